//! What logins need beside the settings themselves: the files that these name, and what does not go
//! together.
//!
//! What never happens here: a login; `mail` decides on those.

use crate::Outcome;
use crate::own_files::read;
use crate::settings::{OAuth, Settings};
use mail::{IntrospectionSettings, IssuerSettings};
use net::{TlsClient, TlsServer, Url};
use std::path::Path;

/// Read before root is given up, so that the files need not belong to the server's user.
pub struct Logins {
    pub issuer: Option<IssuerSettings>,
    /// In PEM form.
    client_authorities: Option<String>,
}

impl Logins {
    pub fn read(settings: &Settings) -> Outcome<Logins> {
        let file = |path: &Option<_>| path.as_deref().map(read).transpose();
        let issuer = match &settings.oauth.issuer {
            Some(url) => Some(issuer(url, &settings.oauth)?),
            None => None,
        };
        Ok(Logins {
            issuer,
            client_authorities: file(&settings.client_authorities)?,
        })
    }

    /// The TLS of doors where people log in.
    pub fn tls(&self, tls: &TlsServer) -> Outcome<TlsServer> {
        match &self.client_authorities {
            None => Ok(tls.clone()),
            Some(pem) => tls
                .asking_clients(pem)
                .map_err(|error| format!("cannot use `login.client_authorities`: {error}")),
        }
    }
}

fn issuer(url: &str, oauth: &OAuth) -> Outcome<IssuerSettings> {
    for (name, url) in [
        ("issuer", Some(url)),
        ("keys_url", oauth.keys_url.as_deref()),
        ("introspection_url", oauth.introspection_url.as_deref()),
    ] {
        if let Some(Err(error)) = url.map(str::parse::<Url>) {
            return Err(format!(
                "`oauth.{name}` is no URL that can be used: {error}"
            ));
        }
    }
    if oauth.audience.is_empty() {
        return Err("`oauth.issuer` needs `oauth.audience`, or tokens for others would do".into());
    }
    let authorities = match &oauth.authorities {
        Some(path) => Some(authorities(path)?),
        None => None,
    };
    Ok(IssuerSettings {
        issuer: url.to_owned(),
        audience: oauth.audience.clone(),
        account_claim: oauth.account_claim.clone(),
        scope: oauth.scope.clone(),
        keys_url: oauth.keys_url.clone(),
        introspection: introspection(oauth)?,
        authorities,
    })
}

fn introspection(oauth: &OAuth) -> Outcome<Option<IntrospectionSettings>> {
    match (&oauth.client_id, &oauth.client_secret) {
        (Some(id), Some(secret)) => Ok(Some(IntrospectionSettings {
            url: oauth.introspection_url.clone(),
            client_id: id.clone(),
            client_secret: read(secret)?.trim_end().to_owned(),
        })),
        (None, None) => Ok(None),
        _ => Err("`oauth.client_id` and `oauth.client_secret` need each other".into()),
    }
}

fn authorities(path: &Path) -> Outcome<String> {
    let pem = read(path)?;
    TlsClient::trusting_pem(&pem)
        .map_err(|error| format!("cannot use `oauth.authorities`: {error}"))?;
    Ok(pem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(change: impl FnOnce(&mut OAuth)) -> String {
        let mut settings = Settings::new("mail.example.org");
        settings.oauth.issuer = Some("https://id.example.org".to_owned());
        settings.oauth.audience = vec!["mail".to_owned()];
        change(&mut settings.oauth);
        match Logins::read(&settings) {
            Ok(_) => String::new(),
            Err(refusal) => refusal,
        }
    }

    #[test]
    fn what_does_not_go_together_is_told() {
        assert_eq!(refusal(|_| {}), "");
        assert!(refusal(|oauth| oauth.audience.clear()).contains("oauth.audience"));
        let plain = |oauth: &mut OAuth| oauth.issuer = Some("http://id.example.org".to_owned());
        assert!(refusal(plain).contains("oauth.issuer"));
        let half = |oauth: &mut OAuth| oauth.client_id = Some("mail".to_owned());
        assert!(refusal(half).contains("client_secret"));
        let away = |oauth: &mut OAuth| oauth.authorities = Some("/nowhere/ca.pem".into());
        assert!(refusal(away).contains("/nowhere/ca.pem"));
    }

    #[test]
    fn a_secret_is_read_from_its_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "geheim\n").unwrap();
        let mut settings = Settings::new("mail.example.org");
        settings.oauth.issuer = Some("https://id.example.org".to_owned());
        settings.oauth.audience = vec!["mail".to_owned()];
        settings.oauth.client_id = Some("mail".to_owned());
        settings.oauth.client_secret = Some(file.path().to_owned());
        let issuer = Logins::read(&settings).unwrap().issuer.unwrap();
        assert_eq!(issuer.introspection.unwrap().client_secret, "geheim");
        assert!(
            Logins::read(&Settings::new("x.example.org"))
                .unwrap()
                .issuer
                .is_none()
        );
    }
}
