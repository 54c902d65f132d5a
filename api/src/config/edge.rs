//! How clients are met: limits, HTTPS, proxies, other origins.

use std::{num::NonZeroU32, time::Duration};

use rustls_acme::acme::LETS_ENCRYPT_PRODUCTION_DIRECTORY as LETS_ENCRYPT;
use tokio_rustls::rustls::pki_types::ServerName;

use super::{ConfigError, Merged, invalid};
use crate::{
    edge::{Origins, Rate, TrustedProxies},
    transport::{AcmeSettings, CertificateSource, Terms, TlsFiles},
};

/// The edge of a server.
#[derive(Debug, Clone)]
pub struct EdgeConfig {
    /// What each caller may ask; as much as they like when not given.
    pub rate: Option<Rate>,
    /// Where the certificate for HTTPS comes from; HTTP when not given.
    pub tls: Option<CertificateSource>,
    /// Whose pages may ask from browsers.
    pub origins: Origins,
    /// How connections are treated.
    pub terms: Terms,
}

pub(super) const fn rate_limit() -> u32 {
    100
}

pub(super) const fn rate_burst() -> u32 {
    1000
}

pub(super) const fn max_connections() -> u32 {
    10_000
}

pub(super) const fn client_timeout() -> u32 {
    60
}

impl EdgeConfig {
    pub(super) fn check(merged: &Merged) -> Result<Self, ConfigError> {
        let numbers = (NonZeroU32::new(merged.rate_limit), NonZeroU32::new(merged.rate_burst));
        let rate = match numbers {
            (Some(per_second), Some(burst)) => Some(Rate { per_second, burst }),
            (None, _) | (_, None) => None,
        };
        let none = |wrong: &str, example: &str| format!("holds {wrong:?}, which is not {example}");
        let proxies = merged.trusted_proxies.as_deref().unwrap_or_default();
        let trusted_proxies = TrustedProxies::parse(proxies).map_err(|wrong| {
            invalid("TIDINGS_TRUSTED_PROXIES", none(&wrong, "an address or a network such as 10.0.0.0/8"))
        })?;
        let origins = Origins::parse(merged.cors_origins.as_deref().unwrap_or_default()).map_err(|wrong| {
            invalid("TIDINGS_CORS_ORIGINS", none(&wrong, "an origin such as https://chat.example; `*` alone is all"))
        })?;
        let max_connections = usize::try_from(merged.max_connections).unwrap_or(usize::MAX);
        for (setting, number) in
            [("TIDINGS_MAX_CONNECTIONS", merged.max_connections), ("TIDINGS_CLIENT_TIMEOUT", merged.client_timeout)]
        {
            if number == 0 {
                return Err(invalid(setting, "must be at least 1"));
            }
        }
        let client_timeout = Duration::from_secs(merged.client_timeout.into());
        Ok(Self { rate, tls: tls(merged)?, origins, terms: Terms { max_connections, client_timeout, trusted_proxies } })
    }
}

fn tls(merged: &Merged) -> Result<Option<CertificateSource>, ConfigError> {
    let acme = acme(merged)?;
    match (merged.tls_cert.clone(), merged.tls_key.clone()) {
        (Some(_), Some(_)) if acme.is_some() => Err(invalid(
            "TIDINGS_ACME_DOMAINS",
            "cannot be set beside TIDINGS_TLS_CERT: one of them is the certificate",
        )),
        (Some(certificate), Some(key)) => Ok(Some(CertificateSource::Files(TlsFiles { certificate, key }))),
        (None, None) => Ok(acme.map(CertificateSource::Acme)),
        (Some(_), None) => Err(invalid("TIDINGS_TLS_CERT", "needs TIDINGS_TLS_KEY beside it")),
        (None, Some(_)) => Err(invalid("TIDINGS_TLS_KEY", "needs TIDINGS_TLS_CERT beside it")),
    }
}

fn acme(merged: &Merged) -> Result<Option<AcmeSettings>, ConfigError> {
    let Some(domains) = merged.acme_domains.as_deref() else {
        for (setting, given) in [
            ("TIDINGS_ACME_CONTACT", merged.acme_contact.is_some()),
            ("TIDINGS_ACME_DIRECTORY", merged.acme_directory.is_some()),
            ("TIDINGS_ACME_CACHE", merged.acme_cache.is_some()),
            ("TIDINGS_ACME_CA", merged.acme_ca.is_some()),
        ] {
            if given {
                return Err(invalid(setting, "does nothing without TIDINGS_ACME_DOMAINS"));
            }
        }
        return Ok(None);
    };
    let domains: Vec<_> = listed(domains).collect();
    if domains.is_empty() {
        return Err(invalid("TIDINGS_ACME_DOMAINS", "names no domain"));
    }
    if let Some(wrong) = domains.iter().find(|domain| !is_domain(domain)) {
        let why = format!("holds {wrong:?}, which is not a domain such as chat.example (no address, no wildcard)");
        return Err(invalid("TIDINGS_ACME_DOMAINS", why));
    }
    let contact: Vec<_> = listed(merged.acme_contact.as_deref().unwrap_or_default()).collect();
    if let Some(wrong) = contact.iter().find(|address| !address.contains('@')) {
        return Err(invalid("TIDINGS_ACME_CONTACT", format!("holds {wrong:?}, which is no mail address")));
    }
    let directory = merged.acme_directory.clone().unwrap_or_else(|| LETS_ENCRYPT.to_owned());
    if !directory.starts_with("https://") {
        return Err(invalid("TIDINGS_ACME_DIRECTORY", format!("is {directory:?}, which does not begin with https://")));
    }
    Ok(Some(AcmeSettings {
        domains: domains.into_iter().map(str::to_owned).collect(),
        contact: contact.into_iter().map(|address| format!("mailto:{address}")).collect(),
        directory,
        cache: merged.acme_cache.clone().unwrap_or_else(|| merged.data_dir.join("acme")),
        trusted: merged.acme_ca.clone(),
    }))
}

fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

fn is_domain(text: &str) -> bool {
    text.contains('.') && matches!(ServerName::try_from(text), Ok(ServerName::DnsName(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use figment::{
        Figment,
        providers::{Format, Toml},
    };

    #[test]
    fn limits_are_on_unless_one_of_them_is_0() {
        let rate = |text: &str| {
            let merged = Figment::from(Toml::string(text)).extract::<Merged>().unwrap();
            EdgeConfig::check(&merged).unwrap().rate.map(|rate| (rate.per_second.get(), rate.burst.get()))
        };
        assert_eq!(rate(""), Some((100, 1000)));
        assert_eq!(rate("rate_limit = 5\nrate_burst = 9"), Some((5, 9)));
        assert_eq!((rate("rate_limit = 0"), rate("rate_burst = 0")), (None, None));
    }
}
