//! From the options of a namespace to sessions with ZooKeeper and a client of the bookies.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dl_bookkeeper::{
    BookKeeper, ClientOptions, ConnectionOptions, DigestType, Quorum, SaslCredentials, SaslMechanism,
    TlsOptions, ZooKeeper, ZooKeeperBookies, ZooKeeperLedgers, ZooKeeperOptions,
};

use super::error::from_cluster;
use super::racks::Racks;
use super::segments::LedgerOptions;
use crate::error::{Error, ErrorKind, Result};
use crate::options::Options;
use crate::seams::{OpenMode, Seams};
use crate::types::{Digest, SegmentNumber};

/// The most bytes of a file with certificates or a key.
const PEM_BYTES: u64 = 1 << 20;

/// A session with these servers.
pub(super) async fn zookeeper(servers: &str, options: &Options) -> Result<ZooKeeper> {
    ZooKeeper::connect(zookeeper_options(servers, options)).await.map_err(from_cluster)
}

pub(super) fn zookeeper_options(servers: &str, options: &Options) -> ZooKeeperOptions {
    let mut session = ZooKeeperOptions::new(servers);
    session.session_timeout = Duration::from_millis(options.session_timeout_ms);
    session.patience = Duration::from_millis(options.zookeeper_timeout_ms);
    session.acl_id.clone_from(&options.zookeeper_acl_id);
    session
}

/// The ledgers of the cluster whose root is at `ledgers_path`.
pub(super) async fn ledgers(zookeeper: &ZooKeeper, ledgers_path: &str) -> Result<ZooKeeperLedgers> {
    ZooKeeperLedgers::open(zookeeper.clone(), ledgers_path)
        .await
        .map_err(|error| from_cluster(error).with("ledgers_path", ledgers_path))
}

/// A client of that cluster.
pub(super) async fn bookkeeper(
    zookeeper: &ZooKeeper,
    ledgers_path: &str,
    client: ClientOptions,
) -> Result<BookKeeper> {
    let ledgers = ledgers(zookeeper, ledgers_path).await?;
    let bookies = ZooKeeperBookies::new(zookeeper.clone(), ledgers_path);
    BookKeeper::connect(Arc::new(ledgers), Arc::new(bookies), client, dl_bookkeeper::Seams::system())
        .await
        .map_err(from_cluster)
}

/// How that client works.
pub(super) async fn client_options(options: &Options, seams: &Seams) -> Result<ClientOptions> {
    let mut client =
        ClientOptions { connection: bookies_options(options, seams).await?, ..ClientOptions::default() };
    if let Some(racks) = &options.bookie_racks {
        client.topology = Arc::new(Racks::parse(racks)?);
    }
    Ok(client)
}

/// How ledgers are made.
pub(super) fn ledger_options(options: &Options, first_number: SegmentNumber) -> Result<LedgerOptions> {
    let quorum = quorum(options.ensemble_size, options.write_quorum, options.ack_quorum)?;
    let password = Bytes::from(options.ledger_password.clone().unwrap_or_default());
    let digest = match options.digest {
        Digest::Crc32 => DigestType::Crc32,
        Digest::Crc32c => DigestType::Crc32c,
        Digest::Mac => DigestType::Mac,
        Digest::None => DigestType::Dummy,
    };
    let explicit_lac = options.explicit_lac;
    // The names are those of Java's LedgerMetadata.
    let said = [("application", &options.ledger_application), ("component", &options.ledger_component)];
    let said = said.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    let custom = said.map(|(name, value)| (name.to_owned(), Bytes::from(value.clone()))).collect();
    Ok(LedgerOptions { quorum, digest, password, custom, explicit_lac, first_number })
}

/// A quorum in which, as in Java, none is larger than what holds it.
pub(super) fn quorum(ensemble: u64, write: u64, ack: u64) -> Result<Quorum> {
    let count = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    let (write, ack) = (write.min(ensemble), ack.min(write).min(ensemble));
    Quorum::new(count(ensemble), count(write), count(ack)).map_err(from_cluster)
}

pub(super) async fn bookies_options(options: &Options, seams: &Seams) -> Result<ConnectionOptions> {
    let credentials = options.bookie_user.as_ref().map(|user| SaslCredentials {
        mechanism: SaslMechanism::DigestMd5,
        user: user.clone(),
        password: options.bookie_password.clone().unwrap_or_default(),
    });
    Ok(ConnectionOptions {
        connect_timeout: Duration::from_millis(options.bookie_connect_timeout_ms),
        request_timeout: Duration::from_millis(options.bookie_request_timeout_ms),
        tls: tls(options, seams).await?,
        credentials,
        ..ConnectionOptions::default()
    })
}

async fn tls(options: &Options, seams: &Seams) -> Result<Option<TlsOptions>> {
    let (roots, own) = (&options.tls_roots, (&options.tls_certificate, &options.tls_key));
    let Some(roots) = roots else {
        return match own {
            (None, None) => Ok(None),
            _ => Err(Error::invalid_argument(
                "the options tls_certificate and tls_key go with tls_roots; say whose certificates to trust",
            )),
        };
    };
    let roots = read("tls_roots", roots, seams).await?;
    let tls = match own {
        (None, None) => TlsOptions::new(&roots),
        (Some(certificate), Some(key)) => {
            let certificate = read("tls_certificate", certificate, seams).await?;
            TlsOptions::with_certificate(&roots, &certificate, &read("tls_key", key, seams).await?)
        }
        _ => {
            return Err(Error::invalid_argument(
                "the options tls_certificate and tls_key go together; set both or neither",
            ));
        }
    };
    tls.map(Some).map_err(from_cluster)
}

/// The bytes of a file that an option names.
async fn read(option: &'static str, path: &str, seams: &Seams) -> Result<Vec<u8>> {
    let (files, place) = (seams.files.clone(), path.to_owned());
    let read = move || {
        let file = files.open(Path::new(&place), OpenMode::Read)?;
        let mut bytes = vec![0; usize::try_from(file.size()?.min(PEM_BYTES)).unwrap_or_default()];
        let length = file.read_at(&mut bytes, 0)?;
        bytes.truncate(length);
        Ok(bytes)
    };
    seams.tasks.blocking(read).await.map_err(|error: std::io::Error| {
        let kind = match error.kind() {
            std::io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
            _ => ErrorKind::InvalidArgument,
        };
        Error::new(kind, format!("the file that the option {option} names cannot be read: {error}"))
            .with("file", path)
            .caused_by(error)
    })
}
