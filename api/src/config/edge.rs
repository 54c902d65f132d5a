//! How clients are met: limits, HTTPS, proxies, other origins.

use std::{num::NonZeroU32, time::Duration};

use super::{ConfigError, Merged, invalid};
use crate::{
    edge::{Origins, Rate, TrustedProxies},
    transport::{Terms, TlsFiles},
};

/// The edge of a server.
#[derive(Debug, Clone)]
pub struct EdgeConfig {
    /// What each caller may ask; as much as they like when not given.
    pub rate: Option<Rate>,
    /// Certificate and key for HTTPS; HTTP when not given.
    pub tls: Option<TlsFiles>,
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

fn tls(merged: &Merged) -> Result<Option<TlsFiles>, ConfigError> {
    match (merged.tls_cert.clone(), merged.tls_key.clone()) {
        (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate, key })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(invalid("TIDINGS_TLS_CERT", "needs TIDINGS_TLS_KEY beside it")),
        (None, Some(_)) => Err(invalid("TIDINGS_TLS_KEY", "needs TIDINGS_TLS_CERT beside it")),
    }
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
