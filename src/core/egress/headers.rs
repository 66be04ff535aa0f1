//! Which headers a model may give to a request of its own.

/// Longer values are refused, in bytes.
const MAX_VALUE: usize = 2 * 1024;
/// Longer names too.
const MAX_NAME: usize = 64;

/// Why a header is refused; the words are for the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderRefusal {
    /// Its name or value is none.
    #[error("its name or its value is not one that a request can carry")]
    Malformed,
    /// It belongs to the connection, which is not the model's.
    #[error("it belongs to the connection and is set by the program")]
    Connection,
    /// It would log in.
    #[error("requests carry no cookies, keys or other credentials")]
    Credential,
    /// It would pretend to come from elsewhere.
    #[error("it would say that the request comes from elsewhere")]
    Origin,
}

/// Headers of the connection: they would change where a request goes or where it ends.
const CONNECTION: [&str; 14] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "trailers",
    "transfer-encoding",
    "upgrade",
    "via",
];

/// Words in the names of headers that carry credentials.
const CREDENTIAL_WORDS: [&str; 13] = [
    "auth",
    "cookie",
    "token",
    "secret",
    "password",
    "passwd",
    "api-key",
    "apikey",
    "access-key",
    "session",
    "credential",
    "signature",
    "csrf",
];

/// Beginnings of names by which servers take a request for one from within their network.
const ORIGIN_STARTS: [&str; 10] = [
    "proxy-",
    "x-forwarded",
    "forwarded",
    "x-real-ip",
    "x-client-ip",
    "x-original-",
    "x-rewrite-",
    "x-http-method",
    "metadata",
    "x-aws-",
];

/// Checks a header that the model gives to a request.
///
/// # Errors
/// Why the request may not carry it.
pub fn check_header(name: &str, value: &str) -> Result<(), HeaderRefusal> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let is_text = |byte: u8| byte == b'\t' || (b' '..=b'~').contains(&byte);
    let good_name = !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(is_token);
    if !good_name || value.len() > MAX_VALUE || !value.bytes().all(is_text) {
        return Err(HeaderRefusal::Malformed);
    }
    let name = name.to_ascii_lowercase();
    if CONNECTION.contains(&name.as_str()) {
        return Err(HeaderRefusal::Connection);
    }
    if ORIGIN_STARTS.iter().any(|start| name.starts_with(start)) {
        return Err(HeaderRefusal::Origin);
    }
    let plain = name.replace('_', "-");
    if CREDENTIAL_WORDS.iter().any(|word| plain.contains(word)) {
        return Err(HeaderRefusal::Credential);
    }
    Ok(())
}
