//! The HTTP door: `/metrics` for Prometheus and `/health` for whoever watches over the server.
//!
//! It answers GET and HEAD, reads no body, and has nothing to tell that is anybody's mail; it belongs
//! on loopback all the same. What never happens here: counting, deciding what is healthy (the
//! wiring asks the rooms and gives a function).
#![forbid(unsafe_code)]

mod limits;
mod stream;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use net::{Conn, Stop};
use std::convert::Infallible;
use std::sync::Arc;

/// What Prometheus calls its text.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// How a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It takes mail and lets people in.
    Fine,
    /// It does, and somebody should look; says at what, in one line.
    Degraded(String),
    /// It does not; says why, in one line.
    Ill(String),
}

/// What all sessions of this door share.
pub struct Door {
    metrics: Box<dyn Fn() -> String + Send + Sync>,
    health: Box<dyn Fn() -> Health + Send + Sync>,
}

impl Door {
    /// `metrics` and `health` are asked at each request.
    pub fn new(
        metrics: impl Fn() -> String + Send + Sync + 'static,
        health: impl Fn() -> Health + Send + Sync + 'static,
    ) -> Door {
        Door {
            metrics: Box::new(metrics),
            health: Box::new(health),
        }
    }

    fn answer(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        if method != Method::GET && method != Method::HEAD {
            let mut response = text(
                StatusCode::METHOD_NOT_ALLOWED,
                TEXT,
                "GET only\n".to_owned(),
            );
            let allow = hyper::header::HeaderValue::from_static("GET, HEAD");
            response.headers_mut().insert(ALLOW, allow);
            return response;
        }
        match path {
            "/metrics" => text(StatusCode::OK, METRICS_TYPE, (self.metrics)()),
            "/health" => match (self.health)() {
                Health::Fine => text(StatusCode::OK, TEXT, "fine\n".to_owned()),
                Health::Degraded(why) => text(StatusCode::OK, TEXT, format!("degraded: {why}\n")),
                Health::Ill(why) => text(StatusCode::SERVICE_UNAVAILABLE, TEXT, format!("{why}\n")),
            },
            _ => {
                let known = "there are /metrics and /health\n".to_owned();
                text(StatusCode::NOT_FOUND, TEXT, known)
            }
        }
    }
}

fn text(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let value = hyper::header::HeaderValue::from_static;
    response.headers_mut().insert(CONTENT_TYPE, value(kind));
    response
        .headers_mut()
        .insert(CACHE_CONTROL, value("no-store"));
    response
}

/// Serves one connection until the client closes it, its time is over, or the server stops.
pub async fn session(conn: Conn, door: Arc<Door>, stop: Stop) {
    let entry = conn.session().clone();
    let stop = entry.stop(&stop);
    let service = service_fn(|request: Request<Incoming>| {
        entry.commanded();
        let response = door.answer(request.method(), request.uri().path());
        async move { Ok::<_, Infallible>(response) }
    });
    let serving = hyper::server::conn::http1::Builder::new()
        .max_buf_size(limits::REQUEST_BYTES)
        .max_headers(limits::HEADER_FIELDS)
        .half_close(true)
        .serve_connection(stream::Stream(conn), service);
    let mut serving = std::pin::pin!(serving);
    tokio::select! {
        biased;
        () = stop.stopped() => serving.as_mut().graceful_shutdown(),
        ended = net::time::timeout(limits::SESSION, serving.as_mut()) => {
            if let Ok(Err(error)) = ended {
                tracing::debug!(target: "http", %error, "session ended");
            }
            return;
        }
    }
    // What is being answered is answered; the listener cuts what takes longer.
    let _ = serving.await;
}

#[cfg(test)]
mod tests;
