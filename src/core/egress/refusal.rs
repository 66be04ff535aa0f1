//! Why an address is refused, in words for the model.

/// Why a request does not go where it should. The words tell no address that a name led to: what a
/// private name resolves to is nobody's business outside.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Longer than any honest address.
    #[error("the URL is longer than {0} bytes")]
    TooLong(usize),
    /// Tabs, line breaks and their like, which parsers strip in silence.
    #[error("the URL has control characters or invisible ones")]
    ControlCharacters,
    /// It cannot be read.
    #[error("this is not an absolute URL such as https://example.com/page")]
    NotAUrl,
    /// Neither http nor https.
    #[error("only https and http URLs are fetched")]
    Scheme,
    /// http, where only https may be used.
    #[error("plain http is switched off here; use https")]
    PlainHttp,
    /// A user name or a password.
    #[error("a URL with a user name or a password is not fetched")]
    Credentials,
    /// A host that no name server knows in this form.
    #[error("the host name is not well-formed")]
    BadHost,
    /// A name that means something only in this network.
    #[error("names of local networks are not reached from here")]
    LocalName,
    /// In the list of domains never to reach.
    #[error("this domain is denied by the settings")]
    DomainDenied,
    /// Not in the list of domains to reach.
    #[error("this domain is not among those that the settings allow")]
    DomainNotAllowed,
    /// A port that is not in the list.
    #[error("port {0} is not allowed by the settings")]
    Port(u16),
    /// An address that is not public.
    #[error("this address is not public: private, local and reserved addresses are not reached")]
    Address,
    /// A name that leads, at least once, to an address that is not public.
    #[error("this name leads to an address that is not public")]
    LeadsInside,
    /// From https to http.
    #[error("the server redirects from https to plain http")]
    Downgrade,
}
