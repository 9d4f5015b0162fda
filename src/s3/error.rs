//! The table of S3 error codes and the XML that carries them.
//! It must not decide which error a request gets: each stage does.

use std::borrow::Cow;
use std::fmt::Write as _;

macro_rules! error_codes {
    ($($variant:ident $status:literal $message:literal)*) => {
        /// An S3 error code (S3 API reference, "Error responses"); the variant is the code as sent.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $(#[doc = $message] $variant,)* }

        impl ErrorCode {
            /// Every code, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The code as sent.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant),)* }
            }

            /// The HTTP status that goes with it.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// The message that S3 usually sends with it.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $(Self::$variant => $message,)* }
            }
        }
    };
}

error_codes! {
    AccessDenied 403 "Access Denied"
    AccessForbidden 403 "This cross-origin request is not allowed."
    AuthorizationHeaderMalformed 400 "The authorization header is malformed."
    AuthorizationQueryParametersError 400 "The query-string authentication parameters are malformed."
    BadDigest 400 "The Content-MD5 you specified did not match what we received."
    BadGateway 502 "The service gave an answer that cannot be used. Please try again."
    BadRequest 400 "Bad Request"
    EntityTooLarge 400 "Your proposed upload exceeds the maximum allowed size"
    EntityTooSmall 400 "Your proposed upload is smaller than the minimum allowed size"
    ExpectationFailed 417 "The Expect header names an expectation that is not supported."
    ExpiredToken 400 "The provided token has expired."
    GatewayTimeout 504 "The service did not answer in time. Please try again."
    HTTPVersionNotSupported 505 "The HTTP version specified is not supported."
    IncompleteBody 400 "You did not provide the number of bytes specified by the Content-Length HTTP header"
    InternalError 500 "We encountered an internal error. Please try again."
    InvalidAccessKeyId 403 "The AWS Access Key Id you provided does not exist in our records."
    InvalidArgument 400 "Invalid Argument"
    InvalidBucketName 400 "The specified bucket is not valid."
    InvalidChunkSizeError 403 "Only the last chunk is allowed to have a size less than 8192 bytes"
    InvalidDigest 400 "The Content-MD5 you specified was invalid."
    InvalidPolicyDocument 400 "The content of the form does not meet the conditions specified in the policy document."
    InvalidRequest 400 "Invalid Request"
    InvalidToken 400 "The provided token is malformed or otherwise invalid."
    InvalidURI 400 "Couldn't parse the specified URI."
    KeyTooLongError 400 "Your key is too long"
    MalformedPOSTRequest 400 "The body of your POST request is not well-formed multipart/form-data."
    MalformedTrailerError 400 "The request contained trailing data that was not well-formed or did not conform to our published schema."
    MalformedXML 400 "The XML you provided was not well-formed or did not validate against our published schema"
    MaxPostPreDataLengthExceededError 400 "Your POST request fields preceding the upload file were too large."
    MethodNotAllowed 405 "The specified method is not allowed against this resource."
    MissingContentLength 411 "You must provide the Content-Length HTTP header."
    NoSuchBucket 404 "The specified bucket does not exist"
    NotImplemented 501 "A header you provided implies functionality that is not implemented"
    PreconditionFailed 412 "At least one of the pre-conditions you specified did not hold"
    RegionSetMismatch 403 "The provided X-Amz-Region-Set doesn't match against the requested S3 region."
    RequestHeaderSectionTooLarge 431 "Your request header section exceeds the maximum allowed size."
    RequestTimeout 400 "Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed."
    RequestTimeTooSkewed 403 "The difference between the request time and the current time is too large."
    ServiceUnavailable 503 "Service is unable to handle request."
    SignatureDoesNotMatch 403 "The request signature we calculated does not match the signature you provided. Check your key and signing method."
    SlowDown 503 "Please reduce your request rate."
    XAmzContentSHA256Mismatch 400 "The provided 'x-amz-content-sha256' header does not match what was computed."
}

/// One error answer: code, message and the extra elements in the order in which S3 writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Error {
    /// The code; it decides the status.
    pub code: ErrorCode,
    /// The text for people.
    pub message: Cow<'static, str>,
    /// Elements between the message and the request id.
    pub extras: Vec<(&'static str, String)>,
    /// After how many seconds to try again (RFC 9110 section 10.2.3), if that is known.
    pub retry_after: Option<u64>,
}

impl S3Error {
    /// The code with its usual message.
    #[must_use]
    pub const fn new(code: ErrorCode) -> Self {
        Self { code, message: Cow::Borrowed(code.message()), extras: Vec::new(), retry_after: None }
    }

    /// The code with another message.
    #[must_use]
    pub fn with_message(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), extras: Vec::new(), retry_after: None }
    }

    /// Adds an element after those that are there.
    #[must_use]
    pub fn extra(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.extras.push((name, value.into()));
        self
    }

    /// Tells after how many seconds it is worth another try; at least one.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(if seconds == 0 { 1 } else { seconds });
        self
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.code.status()
    }

    /// The XML body.
    #[must_use]
    pub fn to_xml(&self, request_id: &str, host_id: &str) -> String {
        let mut xml = String::with_capacity(320);
        xml.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
        element(&mut xml, "Code", self.code.as_str());
        element(&mut xml, "Message", &self.message);
        for (name, value) in &self.extras {
            element(&mut xml, name, value);
        }
        element(&mut xml, "RequestId", request_id);
        element(&mut xml, "HostId", host_id);
        xml.push_str("</Error>");
        xml
    }
}

/// Appends an element whose text is escaped.
pub(crate) fn element(xml: &mut String, name: &str, text: &str) {
    // writing to a String cannot fail
    let _ = write!(xml, "<{name}>");
    // nearly all text goes in as it is: runs are copied whole, characters looked at where a byte may begin a special one
    let mut rest = text;
    while let Some((run, tail)) =
        rest.bytes().position(may_be_special).and_then(|at| rest.split_at_checked(at))
    {
        xml.push_str(run);
        let mut characters = tail.chars();
        if let Some(character) = characters.next() {
            push_escaped(xml, character);
        }
        rest = characters.as_str();
    }
    xml.push_str(rest);
    let _ = write!(xml, "</{name}>");
}

/// Whether a character that begins so may need another spelling: U+FFFE and U+FFFF begin with 0xEF.
const fn may_be_special(byte: u8) -> bool {
    matches!(byte, 0..b' ' | b'&' | b'<' | b'>' | b'"' | 0xef)
}

fn push_escaped(xml: &mut String, character: char) {
    match character {
        '&' => xml.push_str("&amp;"),
        '<' => xml.push_str("&lt;"),
        '>' => xml.push_str("&gt;"),
        '"' => xml.push_str("&quot;"),
        '\r' => xml.push_str("&#13;"),
        '\n' | '\t' => xml.push(character),
        // XML 1.0 has no spelling for these
        control if control < ' ' || matches!(control, '\u{fffe}' | '\u{ffff}') => xml.push('\u{fffd}'),
        other => xml.push(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_character_by_character() {
        for (text, expected) in [
            ("", ""),
            ("plain", "plain"),
            ("&&a", "&amp;&amp;a"),
            ("a\r\n\tb\r", "a&#13;\n\tb&#13;"),
            ("\u{0}\u{1f}\u{7f}", "\u{fffd}\u{fffd}\u{7f}"),
            ("\u{fffd}\u{fffe}\u{ffff}\u{f000}", "\u{fffd}\u{fffd}\u{fffd}\u{f000}"),
            ("é<ü>😀\"", "é&lt;ü&gt;😀&quot;"),
        ] {
            let mut xml = String::new();
            element(&mut xml, "E", text);
            assert_eq!(xml, format!("<E>{expected}</E>"), "{text:?}");
        }
    }

    #[test]
    fn xml_has_the_elements_in_order_and_escapes_text() {
        let error = S3Error::with_message(ErrorCode::InvalidArgument, "a<b & \"c\"")
            .extra("ArgumentName", "x\u{1}y")
            .extra("ArgumentValue", "1\n2");
        assert_eq!(
            error.to_xml("ID", "HOST"),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>InvalidArgument</Code>\
             <Message>a&lt;b &amp; &quot;c&quot;</Message><ArgumentName>x\u{fffd}y</ArgumentName>\
             <ArgumentValue>1\n2</ArgumentValue><RequestId>ID</RequestId><HostId>HOST</HostId></Error>"
        );
        assert_eq!(error.status(), 400);
    }

    #[test]
    fn every_code_is_an_error() {
        for code in ErrorCode::ALL {
            assert!((400..600).contains(&code.status()), "{}", code.as_str());
        }
    }
}
