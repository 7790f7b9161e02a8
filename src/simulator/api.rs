//! What the two models share: errors as AWS names them, places, pages.

use std::borrow::Cow;

/// An error that the service answers with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// AWS's code, such as `ResourceNotFoundException`.
    pub code: Cow<'static, str>,
    /// For people.
    pub message: String,
    /// Seconds, for the `Retry-After` header.
    pub retry_after: Option<u64>,
}

impl ApiError {
    /// An error of `status` and `code`.
    pub fn new(
        status: u16,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> ApiError {
        ApiError { status, code: code.into(), message: message.into(), retry_after: None }
    }

    /// 404 of both services.
    pub fn not_found(message: impl Into<String>) -> ApiError {
        ApiError::new(404, "ResourceNotFoundException", message)
    }

    /// 403. Modelled by Connect; Lex answers so too, though its model does not list it.
    pub fn denied(operation: &str, resource: &str) -> ApiError {
        let message =
            format!("User is not authorized to perform: {operation} on resource: {resource}");
        ApiError::new(403, "AccessDeniedException", message)
    }

    /// 400 of Connect, for a parameter.
    pub fn invalid_parameter(message: impl Into<String>) -> ApiError {
        ApiError::new(400, "InvalidParameterException", message)
    }

    /// 400 of Connect, for a request that the state does not allow.
    pub fn invalid_request(message: impl Into<String>) -> ApiError {
        ApiError::new(400, "InvalidRequestException", message)
    }

    /// 400 of Lex.
    pub fn validation(message: impl Into<String>) -> ApiError {
        ApiError::new(400, "ValidationException", message)
    }

    /// 429 of Connect that is a quota and not a throttle.
    pub fn limit(message: impl Into<String>) -> ApiError {
        ApiError::new(429, "LimitExceededException", message)
    }

    /// 402 of both services.
    pub fn quota(message: impl Into<String>) -> ApiError {
        ApiError::new(402, "ServiceQuotaExceededException", message)
    }
}

/// Which page of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// The number of the last item of the page before; `None` for the first page.
    pub cursor: Option<u64>,
    /// At most so many items.
    pub max: usize,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// Its items.
    pub items: Vec<T>,
    /// The number of its last item, when there are more.
    pub next: Option<u64>,
}

impl<T> Page<T> {
    /// Cuts a page from `numbers`, the whole list in its order; `make` builds only the items of the page.
    ///
    /// A number stands for one item for good, so that a list that grows meanwhile neither loses nor repeats one.
    pub fn cut(
        request: PageRequest,
        numbers: impl IntoIterator<Item = u64>,
        make: impl Fn(u64) -> T,
    ) -> Page<T> {
        let mut rest = numbers.into_iter();
        if let Some(cursor) = request.cursor {
            rest.by_ref().find(|&number| number == cursor);
        }
        let page: Vec<u64> = rest.by_ref().take(request.max).collect();
        let next = match rest.next() {
            Some(_) => page.last().copied(),
            None => None,
        };
        Page { items: page.into_iter().map(make).collect(), next }
    }
}

/// Draws ids from the scenario's seed and from what they stand for: they do not depend on which of two calls
/// came first, so that two runs of a scenario can be compared.
#[derive(Debug, Clone, Copy)]
pub struct Ids(uuid::Uuid);

impl Ids {
    /// Ids of this seed; 0 draws a seed of its own.
    pub fn new(seed: u64) -> Ids {
        match seed {
            0 => Ids(uuid::Uuid::new_v4()),
            _ => Ids(uuid::Uuid::from_u64_pair(seed, seed)),
        }
    }

    /// A UUID for what `parts` name.
    pub fn uuid(&self, parts: &[&str]) -> String {
        self.draw(parts).hyphenated().to_string()
    }

    /// Ten characters of [0-9A-Z], the shape of a Lex id, for what `parts` name.
    pub fn short(&self, parts: &[&str]) -> String {
        const LETTERS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let mut number = self.draw(parts).as_u128();
        (0..10)
            .map(|_| {
                let letter = LETTERS[(number % 36) as usize];
                number /= 36;
                char::from(letter)
            })
            .collect()
    }

    fn draw(&self, parts: &[&str]) -> uuid::Uuid {
        uuid::Uuid::new_v5(&self.0, parts.join("\u{0}").as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn only_the_items_of_a_page_are_made() {
        let made = Cell::new(0);
        let make = |number| {
            made.set(made.get() + 1);
            number
        };
        let last = Page::cut(PageRequest { cursor: Some(199_000), max: 1000 }, 1..=200_000, make);
        assert_eq!((last.items.len(), last.next, made.get()), (1000, None, 1000));
    }
}
