//! `/livez`: the process answers. `/readyz`: it has recovered, provisioned what it was told to, and is not stopping.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use hyper::{Method, StatusCode};

use crate::reply::Reply;

/// Whether the server wants requests.
#[derive(Debug, Default)]
pub(crate) struct Health {
    ready: AtomicBool,
}

impl Health {
    pub(crate) fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Relaxed);
    }

    /// Answers the two paths; none for any other request.
    pub(crate) fn answer(&self, method: &Method, path: &str) -> Option<Reply> {
        if method != Method::GET && method != Method::HEAD {
            return None;
        }
        match path {
            "/livez" => Some(Reply::text(StatusCode::OK, "ok\n")),
            "/readyz" if self.ready.load(Relaxed) => Some(Reply::text(StatusCode::OK, "ok\n")),
            "/readyz" => Some(Reply::text(StatusCode::SERVICE_UNAVAILABLE, "not ready\n")),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_follows_what_was_set_and_life_does_not() {
        let health = Health::default();
        let status = |path| health.answer(&Method::GET, path).map(|reply| reply.status.as_u16());
        assert_eq!((status("/livez"), status("/readyz")), (Some(200), Some(503)));
        health.set_ready(true);
        assert_eq!((status("/livez"), status("/readyz")), (Some(200), Some(200)));
        assert_eq!(status("/"), None);
        assert!(health.answer(&Method::POST, "/livez").is_none());
    }
}
