//! TLS and authentication, and what is said when they fail.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::fake::Peer;
use super::*;
use crate::codec::ProtocolVersion;
use crate::connection::{SaslCredentials, SaslMechanism, TlsOptions};
use crate::error::ErrorKind;
use crate::protocol::{AuthMessage, Status};

const ROOT: &[u8] = include_bytes!("../../../testdata/tls/root.pem");
const LOCALHOST: (&[u8], &[u8]) = (
    include_bytes!("../../../testdata/tls/localhost.pem"),
    include_bytes!("../../../testdata/tls/localhost.key"),
);
const ELSEWHERE: (&[u8], &[u8]) = (
    include_bytes!("../../../testdata/tls/elsewhere.pem"),
    include_bytes!("../../../testdata/tls/elsewhere.key"),
);

fn with_tls() -> ConnectionOptions {
    ConnectionOptions { tls: Some(TlsOptions::new(ROOT).unwrap()), ..ConnectionOptions::default() }
}

/// Speaks TLS as a bookie does, after it was asked to.
async fn accept_tls(peer: &mut Peer, (certificate, key): (&[u8], &[u8])) -> bool {
    let version = std::mem::replace(&mut peer.version, ProtocolVersion::V3);
    let call = peer.request().await;
    assert_eq!(call.request, Request::StartTls);
    peer.answer(&call, Ok(Response::StartTls)).await;
    let chain = CertificateDer::pem_slice_iter(certificate).map(|one| one.unwrap()).collect();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_slice(key).unwrap())
        .unwrap();
    peer.version = version;
    match TlsAcceptor::from(Arc::new(config)).accept(peer.stream.take().unwrap()).await {
        Ok(stream) => {
            peer.stream = Some(Box::new(stream));
            true
        }
        Err(_) => false,
    }
}

#[tokio::test]
async fn both_versions_go_through_tls() {
    for version in [ProtocolVersion::V2, ProtocolVersion::V3] {
        let world = World::new(ConnectionOptions { version, ..with_tls() }).await;
        let waiting: Vec<_> = (0..5).map(|number| world.send(add(number, 300_000))).collect();
        let mut peer = world.bookie.accept(version).await;
        assert!(accept_tls(&mut peer, LOCALHOST).await);
        for call in peer.requests(5).await {
            peer.answer(&call, Ok(Response::Add)).await;
        }
        for waiting in waiting {
            assert_eq!(waiting.await.unwrap().unwrap(), Response::Add);
        }
    }
}

#[tokio::test]
async fn a_certificate_of_another_name_or_root_is_refused() {
    let world = World::new(with_tls()).await;
    let waiting = world.send(read(1));
    let mut peer = world.bookie.accept(ProtocolVersion::V3).await;
    assert!(!accept_tls(&mut peer, ELSEWHERE).await);
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Security);
    assert!(error.message().contains("127.0.0.1"), "{error}");

    // The name can be set; and a certificate is no root of another.
    let tls = TlsOptions::new(ROOT).unwrap().expecting_name("elsewhere.example").unwrap();
    let options = ConnectionOptions { tls: Some(tls), ..ConnectionOptions::default() };
    let world = World::new(options).await;
    let waiting = world.send(read(1));
    let mut peer = world.bookie.accept(ProtocolVersion::V3).await;
    assert!(accept_tls(&mut peer, ELSEWHERE).await);
    let call = peer.request().await;
    peer.answer(&call, Ok(found(1))).await;
    assert_eq!(waiting.await.unwrap().unwrap(), found(1));

    let tls = TlsOptions::new(ELSEWHERE.0).unwrap();
    let world = World::new(ConnectionOptions { tls: Some(tls), ..ConnectionOptions::default() }).await;
    let waiting = world.send(read(1));
    let mut peer = world.bookie.accept(ProtocolVersion::V3).await;
    assert!(!accept_tls(&mut peer, LOCALHOST).await);
    assert_eq!(waiting.await.unwrap().unwrap_err().kind(), ErrorKind::Security);
    assert_eq!(TlsOptions::new(b"").unwrap_err().kind(), ErrorKind::Security);
}

#[tokio::test]
async fn a_bookie_without_tls_is_not_spoken_to_in_clear() {
    let world = World::new(with_tls()).await;
    let waiting = world.send(read(1));
    let mut peer = world.bookie.accept(ProtocolVersion::V3).await;
    let call = peer.request().await;
    peer.answer(&call, Err(Status::BadRequest)).await;
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Security);
    assert!(error.message().contains("does not speak TLS"), "{error}");
    assert!(peer.next_request().await.is_none());
}

#[tokio::test]
async fn a_connection_that_is_never_ready_is_given_up() {
    let world = World::new(with_tls()).await;
    let client = world.client.clone();
    let waiting = tokio::runtime::Handle::current()
        .spawn(async move { client.call(&read(1), Some(60 * SECOND)).await });
    let mut peer = world.bookie.accept(ProtocolVersion::V3).await;
    peer.request().await;
    world.clock.advance(10 * SECOND);
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.may_have_taken_effect()), (ErrorKind::Unavailable, false));
}

fn with_credentials(mechanism: SaslMechanism) -> ConnectionOptions {
    let credentials =
        SaslCredentials { mechanism, user: "bookkeeper".to_owned(), password: "secret".to_owned() };
    ConnectionOptions { credentials: Some(credentials), ..ConnectionOptions::default() }
}

async fn step(peer: &mut Peer) -> (crate::codec::Call, AuthMessage) {
    let call = peer.request().await;
    let Request::Auth(auth) = call.request.clone() else { panic!("an authentication") };
    (call, auth)
}

fn says(plugin: &str, payload: &'static [u8]) -> std::result::Result<Response, Status> {
    Ok(Response::Auth(AuthMessage { plugin: plugin.to_owned(), payload: Bytes::from_static(payload) }))
}

#[tokio::test]
async fn name_and_password_are_shown_before_the_first_request() {
    for version in [ProtocolVersion::V2, ProtocolVersion::V3] {
        let options = ConnectionOptions { version, ..with_credentials(SaslMechanism::Plain) };
        let world = World::new(options).await;
        let waiting = world.send(read(1));
        let mut peer = world.bookie.accept(version).await;
        let (call, auth) = step(&mut peer).await;
        assert_eq!((auth.plugin.as_str(), &auth.payload[..]), ("sasl", &b"\0bookkeeper\0secret"[..]));
        peer.answer(&call, says("sasl", b"")).await;
        let call = peer.request().await;
        peer.answer(&call, Ok(found(1))).await;
        assert_eq!(waiting.await.unwrap().unwrap(), found(1));
    }
}

#[tokio::test]
async fn a_second_answer_about_tls_is_passed_over() {
    for version in [ProtocolVersion::V2, ProtocolVersion::V3] {
        let options =
            ConnectionOptions { version, tls: with_tls().tls, ..with_credentials(SaslMechanism::Plain) };
        let world = World::new(options).await;
        let waiting = world.send(read(1));
        let mut peer = world.bookie.accept(version).await;
        assert!(accept_tls(&mut peer, LOCALHOST).await);
        let (call, _) = step(&mut peer).await;
        let about_tls = crate::codec::Call { number: 0, request: Request::StartTls };
        let second = ProtocolVersion::V3.encode_answer(&about_tls, &Err(Status::Io)).to_bytes();
        let answer = version.encode_answer(&call, &says("sasl", b"")).to_bytes();
        peer.send(&[second, answer].concat()).await;
        let call = peer.request().await;
        peer.answer(&call, Ok(found(1))).await;
        assert_eq!(waiting.await.unwrap().unwrap(), found(1));
    }
}

#[tokio::test]
async fn a_digest_is_asked_for_and_its_proof_demanded() {
    let world = World::new(with_credentials(SaslMechanism::DigestMd5)).await;
    let waiting = world.send(read(1));
    let mut peer = world.bookie.accept(ProtocolVersion::V3).await;
    let (call, auth) = step(&mut peer).await;
    assert_eq!((auth.plugin.as_str(), &auth.payload[..]), ("sasl", &b""[..]));
    peer.answer(&call, says("sasl", b"realm=\"bookkeeper\",nonce=\"n\",charset=utf-8,algorithm=md5-sess"))
        .await;
    let (call, auth) = step(&mut peer).await;
    let said = String::from_utf8(auth.payload.to_vec()).unwrap();
    for part in [
        "username=\"bookkeeper\"",
        "realm=\"bookkeeper\"",
        "nonce=\"n\"",
        "digest-uri=\"bookkeeper/bookkeeper\"",
    ] {
        assert!(said.contains(part), "{said}");
    }
    peer.answer(&call, says("sasl", b"rspauth=none")).await;
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.may_have_taken_effect()), (ErrorKind::Unauthorized, false));
}

#[tokio::test]
async fn a_wrong_password_to_which_bookies_say_nothing_is_guessed_at() {
    let world = World::new(with_credentials(SaslMechanism::DigestMd5)).await;
    let waiting = world.send(read(1));
    let mut peer = world.bookie.accept(ProtocolVersion::V3).await;
    let (call, _) = step(&mut peer).await;
    peer.answer(&call, says("sasl", b"realm=\"bookkeeper\",nonce=\"n\"")).await;
    step(&mut peer).await;
    world.clock.advance(5 * SECOND / 2);
    let error = waiting.await.unwrap().unwrap_err();
    assert!(
        error.kind() == ErrorKind::Unavailable && error.message().contains("password is wrong"),
        "{error}"
    );
}

#[tokio::test]
async fn a_bookie_that_does_not_ask_lets_everybody_in() {
    let world = World::new(with_credentials(SaslMechanism::DigestMd5)).await;
    let waiting = world.send(read(1));
    let mut peer = world.bookie.accept(ProtocolVersion::V3).await;
    let (call, _) = step(&mut peer).await;
    peer.answer(&call, says("AuthDisabledPlugin", b"")).await;
    let call = peer.request().await;
    peer.answer(&call, Ok(found(1))).await;
    assert_eq!(waiting.await.unwrap().unwrap(), found(1));
}

#[tokio::test]
async fn a_refused_name_is_unauthorized_in_both_versions() {
    for version in [ProtocolVersion::V2, ProtocolVersion::V3] {
        let options = ConnectionOptions { version, ..with_credentials(SaslMechanism::Plain) };
        let world = World::new(options).await;
        let waiting = world.send(read(1));
        let mut peer = world.bookie.accept(version).await;
        let (call, _) = step(&mut peer).await;
        if version == ProtocolVersion::V3 {
            peer.answer(&call, Err(Status::Unauthorized)).await;
        }
        drop(peer);
        let error = waiting.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized, "{version:?}");
        assert!(error.message().contains("JAAS"), "{error}");
    }
}
