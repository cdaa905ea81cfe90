//! The certificates that the settings name: read as texts, used, and read again.
//!
//! What never happens here: making one (see `own_files`).

use crate::Outcome;
use crate::own_files::read;
use crate::settings::CertificateFiles;
use net::{Certificates, TlsServer};

/// What stands in the files of all certificates.
#[derive(PartialEq, Eq)]
pub struct Pem {
    files: Vec<CertificateFiles>,
    texts: Vec<Text>,
}

#[derive(PartialEq, Eq)]
struct Text {
    chain: String,
    key: String,
}

impl Pem {
    /// Read before root is given up, so that keys need not belong to the server's user.
    pub fn read(files: &[CertificateFiles]) -> Outcome<Pem> {
        let each = files.iter().map(|files| {
            let (chain, key) = (read(&files.chain)?, read(&files.key)?);
            Ok(Text { chain, key })
        });
        Ok(Pem {
            texts: each.collect::<Outcome<_>>()?,
            files: files.to_owned(),
        })
    }

    /// None if the settings name none.
    pub fn certificates(&self) -> Outcome<Option<Certificates>> {
        let mut all: Option<Certificates> = None;
        for (files, text) in self.files.iter().zip(&self.texts) {
            let added = match all.take() {
                None => Certificates::from_pem(&text.chain, &text.key),
                Some(others) => others.and_pem(&text.chain, &text.key),
            };
            let doing = |error| {
                let (chain, key) = (files.chain.display(), files.key.display());
                format!("cannot use the certificate {chain} with the key {key}: {error}")
            };
            all = Some(added.map_err(doing)?);
        }
        Ok(all)
    }
}

/// Shows what stands in the files now, if that is not what is shown.
pub fn look_again(shown: &mut Pem, tls: &TlsServer) -> Outcome<bool> {
    let now = Pem::read(&shown.files)?;
    if now == *shown {
        return Ok(false);
    }
    if let Some(certificates) = now.certificates()? {
        tls.show(certificates);
    }
    *shown = now;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use net::Clock;

    #[test]
    fn sees_when_the_files_have_another_certificate() {
        let place = tempfile::tempdir().unwrap();
        let files = CertificateFiles {
            chain: place.path().join("chain.pem"),
            key: place.path().join("key.pem"),
        };
        let write = || {
            let names = ["mail.example.org".to_owned()];
            let (chain, key) = net::self_signed(&names, Clock::system().now()).unwrap();
            std::fs::write(&files.chain, chain).unwrap();
            std::fs::write(&files.key, key).unwrap();
        };
        write();
        let mut shown = Pem::read(std::slice::from_ref(&files)).unwrap();
        let tls = TlsServer::new(shown.certificates().unwrap().unwrap()).unwrap();
        assert_eq!(look_again(&mut shown, &tls), Ok(false));
        write();
        assert_eq!(look_again(&mut shown, &tls), Ok(true));
        assert_eq!(look_again(&mut shown, &tls), Ok(false));
        // Half of a renewal is not shown; the next look finds the whole.
        std::fs::write(&files.key, "").unwrap();
        assert!(look_again(&mut shown, &tls).is_err());
        write();
        assert_eq!(look_again(&mut shown, &tls), Ok(true));
    }
}
