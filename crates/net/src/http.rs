//! A client of HTTP/1.1 for small documents: one request, one answer, then the end.
//!
//! Servers are asked over TLS, but for those on this machine. What never happens here: a redirect
//! being followed, a cookie, a connection used twice.

use crate::conn::Conn;
use crate::dialer::Dialer;
use crate::dns::{Answer, Resolver};
use crate::limits::{DIAL, HTTP, HTTP_BODY_BYTES, HTTP_HEAD_BYTES, HTTP_PATIENT};
use crate::listener::dial;
use crate::tls::TlsClient;
use crate::trust::{Authorities, TlsFailure, Trust, Untrusted};
use bytes::BytesMut;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;
use tokio::time::timeout;

/// Header fields of one answer.
const FIELDS: usize = 64;
/// Interim answers (1xx) before the answer.
const INTERIM: usize = 8;

/// `https://host[:port]/path`, or `http:` where the host is this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Url {
    scheme: Scheme,
    /// Without the brackets of an IPv6 address.
    host: String,
    port: u16,
    /// Path and query.
    target: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Scheme {
    Http,
    Https,
}

/// Why there is no answer; Display says it.
#[derive(Debug)]
pub enum HttpError {
    /// The text is no URL that is asked here.
    Url(&'static str),
    Io(io::Error),
    /// The server's certificate proves nothing.
    Untrusted(Untrusted),
    /// The answer is no HTTP, or larger than its bounds.
    Answer(&'static str),
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HttpError::Url(why) | HttpError::Answer(why) => f.write_str(why),
            HttpError::Io(error) => error.fmt(f),
            HttpError::Untrusted(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for HttpError {}

impl From<io::Error> for HttpError {
    fn from(error: io::Error) -> HttpError {
        HttpError::Io(error)
    }
}

impl From<TlsFailure> for HttpError {
    fn from(failure: TlsFailure) -> HttpError {
        match failure {
            TlsFailure::Untrusted(why) => HttpError::Untrusted(why),
            TlsFailure::Handshake(error) => HttpError::Io(error),
        }
    }
}

impl FromStr for Url {
    type Err = HttpError;
    fn from_str(text: &str) -> Result<Url, HttpError> {
        let (scheme, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (Scheme::Https, rest),
            (_, Some(rest)) => (Scheme::Http, rest),
            _ => return Err(HttpError::Url("it does not begin with https://")),
        };
        if !rest.bytes().all(|octet| octet.is_ascii_graphic()) {
            return Err(HttpError::Url(
                "it has a space or an octet that is not ASCII",
            ));
        }
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let (host, port) = host_and_port(authority, scheme)?;
        if scheme == Scheme::Http && !is_this_machine(host) {
            return Err(HttpError::Url("http: is for this machine only, use https:"));
        }
        let target = match target.starts_with('/') {
            true => target.to_owned(),
            false => format!("/{target}"),
        };
        Ok(Url {
            scheme,
            host: host.to_owned(),
            port,
            target,
        })
    }
}

fn host_and_port(authority: &str, scheme: Scheme) -> Result<(&str, u16), HttpError> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']').ok_or(HttpError::Url("] is missing"))?;
            (host, after.strip_prefix(':'))
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if host.is_empty() || host.contains('@') {
        return Err(HttpError::Url("it needs a host, and nothing before it"));
    }
    let port = match (port, scheme) {
        (Some(port), _) => port
            .parse()
            .map_err(|_| HttpError::Url("its port is none"))?,
        (None, Scheme::Https) => 443,
        (None, Scheme::Http) => 80,
    };
    Ok((host, port))
}

fn is_this_machine(host: &str) -> bool {
    let address = host.parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// A whole answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HttpReply {
    pub status: u16,
    /// `type/subtype` in lower case, without parameters.
    pub media_type: Option<String>,
    pub body: Vec<u8>,
}

/// Asks servers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HttpClient {
    way: Way,
    within: Duration,
}

/// How servers are found, reached and believed.
#[derive(Clone, Debug)]
enum Way {
    /// By the system, which knows names of this machine's network as well.
    System(TlsClient),
    /// By the DNS alone.
    Dns {
        resolver: Resolver,
        dialer: Dialer,
        authorities: Authorities,
    },
}

impl HttpClient {
    /// Servers prove who they are to what `tls` trusts.
    pub fn new(tls: TlsClient) -> HttpClient {
        HttpClient {
            way: Way::System(tls),
            within: HTTP,
        }
    }

    /// Asks servers of the world, that nobody here chose: found by the DNS, and with more patience.
    pub fn of_the_world(
        resolver: Resolver,
        dialer: Dialer,
        authorities: Authorities,
    ) -> HttpClient {
        HttpClient {
            way: Way::Dns {
                resolver,
                dialer,
                authorities,
            },
            within: HTTP_PATIENT,
        }
    }

    pub async fn get(&self, url: &Url) -> Result<HttpReply, HttpError> {
        self.get_as(url, "application/json").await
    }

    /// Asks for a document of that media type; whether it is one is in the answer.
    pub async fn get_as(&self, url: &Url, media_type: &str) -> Result<HttpReply, HttpError> {
        let fields = url.fields(media_type);
        let request = format!("GET {} HTTP/1.1\r\n{fields}\r\n", url.target);
        self.ask(url, request.into_bytes()).await
    }

    /// `form` is encoded already; `authorization` is the field's value.
    pub async fn post_form(
        &self,
        url: &Url,
        form: &str,
        authorization: &str,
    ) -> Result<HttpReply, HttpError> {
        let request = format!(
            "POST {} HTTP/1.1\r\n{}Authorization: {authorization}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            url.target,
            url.fields("application/json"),
            form.len()
        );
        self.ask(url, request.into_bytes()).await
    }

    /// Hands a document over.
    pub async fn post(
        &self,
        url: &Url,
        media_type: &str,
        body: &[u8],
    ) -> Result<HttpReply, HttpError> {
        let head = format!(
            "POST {} HTTP/1.1\r\n{}Content-Type: {media_type}\r\nContent-Length: {}\r\n\r\n",
            url.target,
            url.fields("*/*"),
            body.len()
        );
        let mut request = head.into_bytes();
        request.extend_from_slice(body);
        self.ask(url, request).await
    }

    async fn ask(&self, url: &Url, request: Vec<u8>) -> Result<HttpReply, HttpError> {
        let asked = timeout(self.within, async {
            let mut conn = self.connect(url).await?;
            conn.write_all(&request).await?;
            answer(&mut conn).await
        });
        asked.await.map_err(io::Error::from)?
    }

    async fn connect(&self, url: &Url) -> Result<Conn, HttpError> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for address in self.look_up(url).await? {
            let dialled = match &self.way {
                Way::System(_) => dial(address).await,
                Way::Dns { dialer, .. } => dialer.dial(address, None, DIAL).await,
            };
            let conn = match dialled {
                Ok(conn) => conn,
                Err(error) => {
                    last = error;
                    continue;
                }
            };
            return Ok(match (url.scheme, &self.way) {
                (Scheme::Http, _) => conn,
                (Scheme::Https, Way::System(tls)) => conn.connect_tls(tls, &url.host).await?,
                (Scheme::Https, Way::Dns { authorities, .. }) => {
                    let trust = Trust::Names(vec![url.host.clone()]);
                    conn.connect_trusting(trust, authorities, &url.host).await?
                }
            });
        }
        Err(last.into())
    }

    async fn look_up(&self, url: &Url) -> io::Result<Vec<SocketAddr>> {
        let at = |address| SocketAddr::new(address, url.port);
        let resolver = match &self.way {
            Way::System(_) => {
                let found = tokio::net::lookup_host((url.host.as_str(), url.port)).await?;
                return Ok(found.collect());
            }
            Way::Dns { resolver, .. } => resolver,
        };
        if let Ok(address) = url.host.parse() {
            return Ok(vec![at(address)]);
        }
        match resolver.addresses(&url.host).await {
            Answer::Found { value, .. } => Ok(value.into_iter().map(at).collect()),
            Answer::NoData { .. } | Answer::NoName { .. } => Ok(Vec::new()),
            Answer::Failed(why) => Err(io::Error::other(why.to_string())),
        }
    }
}

impl Url {
    /// The header fields of every request.
    fn fields(&self, accept: &str) -> String {
        let host = match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        let port = match (self.scheme, self.port) {
            (Scheme::Https, 443) | (Scheme::Http, 80) => String::new(),
            (_, port) => format!(":{port}"),
        };
        format!(
            "Host: {host}{port}\r\nUser-Agent: Whimbrel\r\nAccept: {accept}\r\n\
             Connection: close\r\n"
        )
    }
}

/// Where a body ends. [rfc9112 6.3]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Length {
    Known(usize),
    Chunked,
    ToTheEnd,
}

async fn answer(conn: &mut Conn) -> Result<HttpReply, HttpError> {
    let mut input = BytesMut::new();
    let mut ended = false;
    loop {
        if let Some(reply) = parse(&input, ended)? {
            return Ok(reply);
        }
        if ended {
            return Err(HttpError::Answer("the answer was cut off"));
        }
        if input.len() > HTTP_HEAD_BYTES + HTTP_BODY_BYTES {
            return Err(HttpError::Answer("the answer is too large"));
        }
        ended = conn.read(&mut input).await? == 0;
    }
}

/// None: not whole yet.
fn parse(mut input: &[u8], ended: bool) -> Result<Option<HttpReply>, HttpError> {
    // so many may come before the answer [rfc9110 15.2]; they have no bodies [rfc9112 6.3]
    for _ in 0..=INTERIM {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS];
        let mut head = httparse::Response::new(&mut fields);
        let parsed = head.parse(input);
        let parsed = parsed.map_err(|_| HttpError::Answer("the answer is no HTTP"))?;
        let httparse::Status::Complete(head_len) = parsed else {
            return match input.len() > HTTP_HEAD_BYTES {
                true => Err(HttpError::Answer("the answer's header is too large")),
                false => Ok(None),
            };
        };
        let status = head.code.unwrap_or_default();
        let rest = &input[head_len..];
        if (100..200).contains(&status) {
            input = rest;
            continue;
        }
        let body = content(head.headers, rest, ended)?;
        let media_type = media_type(head.headers);
        return Ok(body.map(|body| HttpReply {
            status,
            media_type,
            body,
        }));
    }
    Err(HttpError::Answer("the answer does not come"))
}

/// [rfc9110 8.3.1]
fn media_type(fields: &[httparse::Header<'_>]) -> Option<String> {
    let named = |field: &&httparse::Header<'_>| field.name.eq_ignore_ascii_case("Content-Type");
    let value = std::str::from_utf8(fields.iter().find(named)?.value).ok()?;
    let media_type = value.split(';').next().unwrap_or_default();
    Some(media_type.trim().to_ascii_lowercase())
}

/// What lies behind the header of an answer. None: not whole yet.
fn content(
    fields: &[httparse::Header<'_>],
    rest: &[u8],
    ended: bool,
) -> Result<Option<Vec<u8>>, HttpError> {
    if rest.len() > HTTP_BODY_BYTES {
        return Err(HttpError::Answer("the answer is too large"));
    }
    Ok(match length(fields)? {
        Length::Known(len) => rest.get(..len).map(<[u8]>::to_vec),
        Length::Chunked => chunks(rest)?,
        Length::ToTheEnd => ended.then(|| rest.to_vec()),
    })
}

fn length(fields: &[httparse::Header<'_>]) -> Result<Length, HttpError> {
    let value = |name: &str| {
        let found = fields
            .iter()
            .find(|field| field.name.eq_ignore_ascii_case(name));
        found.map(|field| field.value)
    };
    if let Some(coding) = value("Transfer-Encoding") {
        return match coding.eq_ignore_ascii_case(b"chunked") {
            true => Ok(Length::Chunked),
            false => Err(HttpError::Answer(
                "the answer has a coding that is not known",
            )),
        };
    }
    let Some(len) = value("Content-Length") else {
        return Ok(Length::ToTheEnd);
    };
    let len = std::str::from_utf8(len)
        .ok()
        .and_then(|len| len.trim().parse().ok());
    Ok(Length::Known(len.ok_or(HttpError::Answer(
        "the answer's length is no number",
    ))?))
}

/// ```text
/// chunked-body = *chunk last-chunk trailer-section CRLF
/// chunk        = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
/// ```
/// [rfc9112 7.1] None: not whole yet. Trailers say nothing that is looked at.
fn chunks(mut rest: &[u8]) -> Result<Option<Vec<u8>>, HttpError> {
    let mut body = Vec::new();
    loop {
        let size = httparse::parse_chunk_size(rest);
        let size = size.map_err(|_| HttpError::Answer("a chunk's size is no number"))?;
        let httparse::Status::Complete((used, size)) = size else {
            return Ok(None);
        };
        if size == 0 {
            return Ok(Some(body));
        }
        let end = usize::try_from(size)
            .ok()
            .and_then(|size| used.checked_add(size));
        let chunk = end.and_then(|end| rest.get(used..end));
        let Some(chunk) = chunk else {
            return Ok(None);
        };
        body.extend_from_slice(chunk);
        match rest.get(used + chunk.len()..) {
            Some([b'\r', b'\n', after @ ..]) => rest = after,
            Some([] | [b'\r']) | None => return Ok(None),
            Some(_) => return Err(HttpError::Answer("a chunk does not end where it must")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_answer_makes_the_reader_panic_or_go_past_its_bounds(
            head in "HTTP/1\\.1 [0-9]{3} ?\r\n(Content-Length: ?[0-9]{0,22}\r\n|Transfer-Encoding: chunked\r\n){0,2}\r\n",
            body in prop::collection::vec(prop::sample::select(&b"0123456789abcdef;\r\n\xff"[..]), 0..60),
        ) {
            let answer = [head.as_bytes(), &body].concat();
            for ended in [false, true] {
                if let Ok(Some(reply)) = parse(&answer, ended) {
                    prop_assert!(reply.body.len() <= body.len());
                }
            }
        }

        #[test]
        fn no_text_makes_a_url_that_could_break_a_request(text in "https?://(127\\.0\\.0\\.1|[ -~]{0,20})[\\x00-\\x7f]{0,20}") {
            if let Ok(url) = text.parse::<Url>() {
                let asked = format!("{}{}", url.target, url.fields("a/b"));
                prop_assert!(url.target.bytes().all(|octet| octet.is_ascii_graphic()));
                prop_assert_eq!(asked.matches("\r\n").count(), 4);
            }
        }
    }

    fn url(text: &str) -> Result<(String, u16, String), String> {
        let url = text.parse::<Url>().map_err(|error| error.to_string())?;
        Ok((url.host, url.port, url.target))
    }

    #[test]
    fn reads_urls() {
        let is = |host: &str, port, target: &str| Ok((host.to_owned(), port, target.to_owned()));
        assert_eq!(
            url("https://id.example.test"),
            is("id.example.test", 443, "/")
        );
        assert_eq!(
            url("https://a.test:8443/x/y?z=1#f"),
            is("a.test", 8443, "/x/y?z=1")
        );
        assert_eq!(url("https://[2001:db8::1]/k"), is("2001:db8::1", 443, "/k"));
        assert_eq!(url("http://127.0.0.1:1/"), is("127.0.0.1", 1, "/"));
        assert_eq!(url("http://[::1]?q"), is("::1", 80, "/?q"));
        for bad in [
            "",
            "ftp://a.test/",
            "https://",
            "https://u@a.test/",
            "https://a.test:x/",
            "https://a.test/ b",
            "https://a.test/\r\nX: y",
            "http://a.test/",
            "https://[::1",
        ] {
            assert!(url(bad).is_err(), "{bad}");
        }
    }

    fn body(answer: &str) -> Option<String> {
        let whole = parse(answer.as_bytes(), true).expect("it is HTTP");
        // however it is cut, nothing is whole before its end
        for end in 0..answer.len() {
            let cut = parse(&answer.as_bytes()[..end], false).expect("it may become HTTP");
            assert!(cut.is_none() || cut == whole, "{end}");
        }
        whole.map(|reply| String::from_utf8(reply.body).expect("text"))
    }

    #[test]
    fn knows_where_a_body_ends() {
        // [rfc9112 6.3] [rfc9112 7.1] [rfc9110 15.2]
        let answers =
            |fields: &str, rest: &str| body(&format!("HTTP/1.1 200 OK\r\n{fields}\r\n{rest}"));
        assert_eq!(
            answers("Content-Length: 3\r\n", "abcdef").as_deref(),
            Some("abc")
        );
        assert_eq!(answers("content-length: 3\r\n", "ab"), None);
        assert_eq!(answers("", "abc").as_deref(), Some("abc"));
        let chunked = "Transfer-Encoding: chunked\r\n";
        assert_eq!(
            answers(chunked, "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n").as_deref(),
            Some("abcde")
        );
        assert_eq!(answers(chunked, "3\r\nabc\r\n"), None);
        let early = "HTTP/1.1 103 Early\r\n\r\n";
        let late = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
        assert_eq!(body(&format!("{early}{late}")).as_deref(), Some("x"));
    }

    #[test]
    fn says_what_kind_of_document_came() {
        // [rfc9110 8.3.1]
        let kind = |field: &str| {
            let answer = format!("HTTP/1.1 200 OK\r\n{field}Content-Length: 0\r\n\r\n");
            let reply = parse(answer.as_bytes(), true).expect("it is HTTP");
            reply.expect("it is whole").media_type
        };
        let field = "content-type: Text/Plain; charset=utf-8\r\n";
        assert_eq!(kind(field).as_deref(), Some("text/plain"));
        assert_eq!(kind(""), None);
    }

    #[test]
    fn refuses_answers_that_are_none_or_too_large() {
        for bad in [
            "SSH-2.0-x\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc",
        ] {
            assert!(parse(bad.as_bytes(), true).is_err(), "{bad}");
        }
        let never = "HTTP/1.1 100 C\r\nContent-Length: 0\r\n\r\n".repeat(HTTP_BODY_BYTES / 40);
        assert!(parse(never.as_bytes(), false).is_err());
        let long = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(HTTP_HEAD_BYTES));
        assert!(parse(long.as_bytes(), false).is_err());
        let large = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(HTTP_BODY_BYTES + 1));
        assert!(parse(large.as_bytes(), false).is_err());
    }
}
