//! SASL DIGEST-MD5 (RFC 2831), as far as BookKeeper's bookies ask for it: authentication only.

use md5::{Digest, Md5};

use super::{SaslCredentials, Step, refused};
use crate::error::{Error, ErrorKind, Result};
use crate::seams::Random;

/// Protocol and host that both sides of BookKeeper take, wherever the bookie is.
const DIGEST_URI: &str = "bookkeeper/bookkeeper";

/// More is no challenge.
const MAX_CHALLENGE_BYTES: usize = 4_096;

pub(in crate::connection) struct Exchange {
    credentials: SaslCredentials,
    client_nonce: String,
    state: State,
}

enum State {
    /// The bookie is to send its challenge.
    Challenge,
    /// The bookie is to show that it knows the password too, with this.
    Proof(String),
    Ended,
}

impl Exchange {
    pub(super) fn begin(credentials: &SaslCredentials, random: &dyn Random) -> Result<Self> {
        let mut nonce = [0; 16];
        random.fill(&mut nonce).map_err(|error| {
            Error::new(ErrorKind::Internal, "there is no randomness to authenticate with").caused_by(error)
        })?;
        Ok(Self { credentials: credentials.clone(), client_nonce: hex(&nonce), state: State::Challenge })
    }

    pub(super) fn next(&mut self, challenge: &[u8]) -> Result<Step> {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Challenge => {
                let challenge = Challenge::parse(challenge).ok_or_else(|| refused(NO_CHALLENGE))?;
                let digest = Calculation {
                    credentials: &self.credentials,
                    challenge: &challenge,
                    client_nonce: &self.client_nonce,
                    uri: DIGEST_URI,
                };
                let response = digest.message()?;
                self.state = State::Proof(format!("rspauth={}", digest.value("")));
                Ok(Step::Send(response.into()))
            }
            State::Proof(expected) if challenge == expected.as_bytes() => Ok(Step::Done),
            State::Proof(_) => Err(refused("the bookie does not prove that it knows the password")),
            State::Ended => Err(refused("the bookie goes on after the end of the authentication")),
        }
    }
}

const NO_CHALLENGE: &str = "the bookie asks for an authentication that is not DIGEST-MD5";

/// What a bookie made up.
#[derive(Debug, Default, PartialEq, Eq)]
struct Challenge {
    realm: String,
    nonce: String,
    utf8: bool,
}

impl Challenge {
    /// `None` if it is none, or wants what we do not do.
    fn parse(challenge: &[u8]) -> Option<Self> {
        if challenge.len() > MAX_CHALLENGE_BYTES {
            return None;
        }
        let mut parsed = Self::default();
        let mut qop = None;
        let mut rest = std::str::from_utf8(challenge).ok()?.trim();
        while !rest.is_empty() {
            let (name, value, after) = directive(rest)?;
            match name {
                "realm" if parsed.realm.is_empty() => parsed.realm = value,
                "nonce" => parsed.nonce = value,
                "qop" => qop = Some(value),
                "charset" => parsed.utf8 = value.eq_ignore_ascii_case("utf-8"),
                "algorithm" if value != "md5-sess" => return None,
                _ => {}
            }
            rest = after;
        }
        // Without a word, authentication only is what is offered.
        let offers_auth = qop.is_none_or(|qop| qop.split(',').any(|word| word.trim() == "auth"));
        (!parsed.nonce.is_empty() && offers_auth).then_some(parsed)
    }
}

/// The first `name=value` or `name="value"` of a list, and what comes after its comma.
fn directive(text: &str) -> Option<(&str, String, &str)> {
    let (name, rest) = text.split_once('=')?;
    let mut value = String::new();
    let mut rest = rest.trim_start();
    if let Some(quoted) = rest.strip_prefix('"') {
        let mut characters = quoted.char_indices();
        loop {
            match characters.next()? {
                (end, '"') => {
                    rest = &quoted[end + 1..];
                    break;
                }
                (_, '\\') => value.push(characters.next()?.1),
                (_, other) => value.push(other),
            }
        }
    } else {
        let end = rest.find(',').unwrap_or(rest.len());
        rest[..end].trim().clone_into(&mut value);
        rest = &rest[end..];
    }
    let rest = rest.trim_start();
    let after = if rest.is_empty() { rest } else { rest.strip_prefix(',')? };
    Some((name.trim(), value, after.trim_start_matches([',', ' ', '\t'])))
}

/// What both sides calculate.
struct Calculation<'a> {
    credentials: &'a SaslCredentials,
    challenge: &'a Challenge,
    client_nonce: &'a str,
    uri: &'a str,
}

impl Calculation<'_> {
    /// What the client says.
    fn message(&self) -> Result<String> {
        let Challenge { realm, nonce, utf8 } = self.challenge;
        let (user, cnonce, uri) = (quoted(&self.credentials.user), self.client_nonce, self.uri);
        if !utf8 && !self.credentials.user.is_ascii() {
            return Err(refused("the bookie does not take names beyond ASCII"));
        }
        let realm = if realm.is_empty() { String::new() } else { format!("realm={},", quoted(realm)) };
        let charset = if *utf8 { "charset=utf-8," } else { "" };
        let (nonce, value) = (quoted(nonce), self.value("AUTHENTICATE"));
        Ok(format!(
            "{charset}username={user},{realm}nonce={nonce},nc=00000001,cnonce=\"{cnonce}\",digest-uri=\"{uri}\",\
             qop=auth,response={value}"
        ))
    }

    /// The digest that shows that one knows the password.
    fn value(&self, method: &str) -> String {
        let Challenge { realm, nonce, .. } = self.challenge;
        let (user, password) = (&self.credentials.user, &self.credentials.password);
        let secret = [latin(user), latin(realm), latin(password)].join(&b':');
        let mut first = Md5::digest(secret).to_vec();
        first.extend_from_slice(format!(":{nonce}:{}", self.client_nonce).as_bytes());
        let first = hex(&Md5::digest(first));
        let second = hex(&Md5::digest(format!("{method}:{}", self.uri)));
        hex(&Md5::digest(format!("{first}:{nonce}:00000001:{}:auth:{second}", self.client_nonce)))
    }
}

/// The mechanism's rule: ISO 8859-1 if the text can be written so, else UTF-8.
fn latin(text: &str) -> Vec<u8> {
    let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    bytes.unwrap_or_else(|| text.as_bytes().to_vec())
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::super::SaslMechanism;
    use super::*;

    struct Fixed;

    impl Random for Fixed {
        fn fill(&self, buffer: &mut [u8]) -> io::Result<()> {
            buffer.fill(7);
            Ok(())
        }
    }

    fn credentials(user: &str, password: &str) -> SaslCredentials {
        SaslCredentials {
            mechanism: SaslMechanism::DigestMd5,
            user: user.to_owned(),
            password: password.to_owned(),
        }
    }

    /// The example of RFC 2831, section 4.
    #[test]
    fn digests_are_those_of_the_standard() {
        let challenge = r#"realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",qop="auth",algorithm=md5-sess,charset=utf-8"#;
        let challenge = Challenge::parse(challenge.as_bytes()).unwrap();
        let credentials = credentials("chris", "secret");
        let digest = Calculation {
            credentials: &credentials,
            challenge: &challenge,
            client_nonce: "OA6MHXh6VqTrRk",
            uri: "imap/elwood.innosoft.com",
        };
        assert_eq!(digest.value("AUTHENTICATE"), "d388dad90d4bbd760a152321f2143af7");
        assert_eq!(digest.value(""), "ea40f60335c427b5527b84dbabcdfffd");
        assert!(digest.message().unwrap().starts_with("charset=utf-8,username=\"chris\",realm=\"elwood."));
    }

    #[test]
    fn a_challenge_is_understood_or_refused() {
        let parse = |text: &str| Challenge::parse(text.as_bytes());
        let spaced = parse("realm=\"a\\\"b\", nonce=\"n\" , qop=\"auth-int, auth\",,cipher=\"rc4\"").unwrap();
        assert_eq!(spaced, Challenge { realm: "a\"b".to_owned(), nonce: "n".to_owned(), utf8: false });
        for bad in [
            "",
            "nonce",
            "nonce=\"a",
            "realm=\"a\"",
            "nonce=\"a\"x",
            "nonce=a,qop=\"auth-conf\"",
            "nonce=a,algorithm=md5",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!(Challenge::parse(&vec![b'a'; 5_000]), None);
    }

    #[test]
    fn a_bookie_must_know_the_password_too() {
        let credentials = credentials("bookkeeper", "secret");
        let mut exchange = Exchange::begin(&credentials, &Fixed).unwrap();
        let challenge = br#"realm="bookkeeper",nonce="abc",charset=utf-8,algorithm=md5-sess"#;
        let Step::Send(said) = exchange.next(challenge).unwrap() else { panic!("an answer") };
        assert!(!String::from_utf8_lossy(&said).contains("secret"));
        assert!(exchange.next(b"rspauth=00000000000000000000000000000000").is_err());
        assert!(exchange.next(b"").is_err());

        let mut exchange = Exchange::begin(&credentials, &Fixed).unwrap();
        exchange.next(challenge).unwrap();
        let State::Proof(expected) = &exchange.state else { panic!("a proof is expected") };
        let proof = expected.clone();
        assert!(matches!(exchange.next(proof.as_bytes()), Ok(Step::Done)));
    }
}
