//! What is done with every reply before the SDK reads it: AWS's clock is noted, and its length is
//! bounded.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextMut, BeforeDeserializationInterceptorContextRef,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use chrono::{DateTime, Utc};
use http_body_util::Limited;

/// A longer reply is not read, in bytes. The longest is a page of 1,000 results of a Lex test set,
/// each with texts of up to 1,024 characters and a few slots: some megabytes.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// Keeps the `Date` of the reply to the call that it is given to.
#[derive(Debug, Clone, Default)]
pub(super) struct DateOf(Arc<Mutex<Option<DateTime<Utc>>>>);

impl DateOf {
    /// The date, where there was one that could be read.
    pub(super) fn get(&self) -> Option<DateTime<Utc>> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for DateOf {
    fn name(&self) -> &'static str {
        "DateOf"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date.map(|date| date.to_utc());
        Ok(())
    }
}

/// Ends a reply that is too long to be one, as if it had been cut off there.
#[derive(Debug)]
pub(super) struct Bounded;

impl Intercept for Bounded {
    fn name(&self) -> &'static str {
        "Bounded"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response_mut().body_mut();
        let whole = std::mem::replace(body, SdkBody::empty());
        *body = SdkBody::from_body_1_x(Limited::new(whole, MOST_BYTES));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::super::{Access, Execution, Fetch, reach};
    use crate::plan::{Options, Plan};
    use crate::service::ErrorClass;
    use crate::suite;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_reply_without_end_is_cut_off() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_write_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"Status\": \"";
            let mut sent = stream.write(head.as_bytes()).unwrap();
            // It ends when nobody reads on.
            while let Ok(more) = stream.write(&[b'x'; 1 << 16]) {
                sent += more;
            }
            sent
        });
        let text = "name: s\nregion: us-east-1\nconnect: {instance_id: i, test_cases: \
                    [{name: t, test_case_id: t}]}\n";
        let suite = suite::parse("s.yaml", text, &|_| None).unwrap();
        let plan = Plan::new(&[suite], &Options::default());
        let access = Access { profile: None, endpoint_url: Some(url), simulated: true };
        let services = reach(&plan, &access, Fetch::Ahead).await.services;
        let error = services[0].poll(Execution::of(&plan.tests[0], "e")).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::Ambiguous);
        assert!(error.error.message.contains("length limit exceeded"), "{}", error.error.message);
        // What is on the way when it stops reading is more, but not much.
        assert!(server.join().unwrap() < 2 * super::MOST_BYTES);
    }
}
