//! TLS to bookies: certificates are checked against the roots given, and names against the address connected to.

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use crate::error::{Error, ErrorKind, Result};
use crate::seams::Stream;

/// Whom to trust, and who we are.
#[derive(Clone)]
pub struct TlsOptions {
    config: Arc<ClientConfig>,
    server_name: Option<ServerName<'static>>,
}

impl TlsOptions {
    /// TLS with bookies whose certificates lead to one of these roots (PEM, one or more) and name the address connected to.
    ///
    /// # Errors
    /// `security` if there is no certificate in it, or one that cannot be understood.
    pub fn new(roots_pem: &[u8]) -> Result<Self> {
        let config = builder()?.with_root_certificates(roots(roots_pem)?).with_no_client_auth();
        Ok(Self { config: Arc::new(config), server_name: None })
    }

    /// The same with a certificate of our own (PEM, the chain that leads to it after it) and its key, for bookies that ask
    /// for one.
    ///
    /// # Errors
    /// `security` if one of them cannot be understood, or they do not belong together.
    pub fn with_certificate(roots_pem: &[u8], chain_pem: &[u8], key_pem: &[u8]) -> Result<Self> {
        let chain = certificates(chain_pem)?;
        let key = PrivateKeyDer::from_pem_slice(key_pem)
            .map_err(|error| wrong("the private key cannot be read").caused_by(error))?;
        let config =
            builder()?.with_root_certificates(roots(roots_pem)?).with_client_auth_cert(chain, key).map_err(
                |error| wrong("certificate and private key do not belong together").caused_by(error),
            )?;
        Ok(Self { config: Arc::new(config), server_name: None })
    }

    /// Expects this name in the certificates of all bookies, whatever address is connected to.
    ///
    /// # Errors
    /// `invalid-argument` if it is neither a host name nor an IP address.
    pub fn expecting_name(mut self, name: &str) -> Result<Self> {
        self.server_name = Some(server_name(name)?);
        Ok(self)
    }

    /// Speaks TLS on a stream to this host from here on.
    pub(super) async fn connect(&self, host: &str, stream: Box<dyn Stream>) -> Result<Box<dyn Stream>> {
        let name = match &self.server_name {
            Some(name) => name.clone(),
            None => server_name(host)?,
        };
        let connector = TlsConnector::from(self.config.clone());
        let stream = connector.connect(name, stream).await.map_err(|error| {
            let message = format!(
                "no TLS with {host}: {error}; see the bookie's certificate and the roots trusted here"
            );
            Error::new(ErrorKind::Security, message).caused_by(error)
        })?;
        Ok(Box::new(stream))
    }
}

/// Without keys.
impl fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TlsOptions({:?})", self.server_name)
    }
}

/// The error of a bookie that ended TLS because of us: only after its own certificate was accepted does it look at ours.
pub(super) fn refusal(error: &std::io::Error) -> Option<Error> {
    let cause = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    let rustls::Error::AlertReceived(alert) = cause else { return None };
    Some(refused(&format!("{alert:?}")))
}

/// The error of a connection that ended before a word was said over TLS.
pub(super) fn ended(error: Error) -> Error {
    refused(error.message()).caused_by(error)
}

fn refused(why: &str) -> Error {
    let message = format!(
        "the bookie refused TLS with us ({why}); show it the certificate that it asks for, of a root that it trusts"
    );
    Error::new(ErrorKind::Security, message)
}

type Builder = rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>;

fn builder() -> Result<Builder> {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong("no version of TLS is available").caused_by(error))
}

fn roots(pem: &[u8]) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem)? {
        roots
            .add(certificate)
            .map_err(|error| wrong("a root certificate cannot be used").caused_by(error))?;
    }
    Ok(roots)
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let certificates = CertificateDer::pem_slice_iter(pem).collect::<std::result::Result<Vec<_>, _>>();
    let certificates =
        certificates.map_err(|error| wrong("a certificate cannot be read").caused_by(error))?;
    if certificates.is_empty() {
        return Err(wrong("there is no certificate in the PEM given"));
    }
    Ok(certificates)
}

fn server_name(name: &str) -> Result<ServerName<'static>> {
    ServerName::try_from(name.to_owned())
        .map_err(|_| Error::invalid_argument(format!("{name:?} is neither a host name nor an IP address")))
}

fn wrong(message: &'static str) -> Error {
    Error::new(ErrorKind::Security, message)
}
