//! API throttling: a token bucket, filled in model time.

/// One caller's allowance. It starts full.
#[derive(Debug, Clone)]
pub struct Bucket {
    per_second: f64,
    burst: f64,
    tokens: f64,
    filled_ms: u64,
}

impl Bucket {
    /// A full bucket of `burst` tokens at `now` (epoch ms), filled at `per_second`.
    ///
    /// AWS's default for Amazon Connect is 2 a second and 5 at once, per account and Region (Amazon Connect
    /// service quotas, "API throttling quotas").
    pub fn new(now: u64, per_second: f64, burst: u32) -> Bucket {
        Bucket { per_second, burst: f64::from(burst), tokens: f64::from(burst), filled_ms: now }
    }

    /// Takes one token at `now`.
    ///
    /// # Errors
    /// The milliseconds until there is one.
    pub fn take(&mut self, now: u64) -> Result<(), u64> {
        let seconds = now.saturating_sub(self.filled_ms) as f64 / 1000.0;
        self.tokens = (self.tokens + seconds * self.per_second).min(self.burst);
        self.filled_ms = self.filled_ms.max(now);
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            Ok(())
        } else {
            Err(((1.0 - self.tokens) / self.per_second * 1000.0).ceil() as u64)
        }
    }
}

#[cfg(test)]
mod tests;
