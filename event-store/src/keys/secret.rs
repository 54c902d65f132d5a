//! The installation's secret: one value from which everything that must stay secret is derived.

use std::{
    fmt, fs,
    io::{self, Write},
    path::Path,
};

use zeroize::Zeroizing;

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The given one is too short to be a secret.
    #[error("TIDINGS_SECRET must have at least 32 characters; `openssl rand -hex 32` makes a good one")]
    TooShort,
    /// The file is not what this program wrote.
    #[error("{path} does not hold a secret: it must be 64 hexadecimal digits. Put back the file from your backup")]
    Malformed {
        /// Which file.
        path: String,
    },
    /// The file cannot be read or made.
    #[error("cannot read or make the secret {path}: {source}")]
    Io {
        /// Which file.
        path: String,
        /// Why.
        source: io::Error,
    },
}

/// Wraps keys, signs tokens, blinds names. Nodes of one installation share it. Never printed, wiped when dropped.
#[derive(Clone)]
pub struct InstallationSecret(Zeroizing<[u8; 32]>);

impl fmt::Debug for InstallationSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InstallationSecret(…)")
    }
}

impl InstallationSecret {
    /// A secret from a configured text of at least 32 characters.
    pub fn from_text(text: &str) -> Result<Self, SecretError> {
        if text.len() < 32 {
            return Err(SecretError::TooShort);
        }
        Ok(Self(Zeroizing::new(blake3::derive_key("tidings 2026 installation secret", text.as_bytes()))))
    }

    /// A secret from 32 random bytes. For tests and tools.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The secret in this file; makes one, mode 0600 and synced, when there is no such file.
    pub fn load_or_create(path: &Path) -> Result<Self, SecretError> {
        let failed = |source| SecretError::Io { path: path.display().to_string(), source };
        match fs::read_to_string(path) {
            Ok(text) => Self::from_text_file(text.trim(), path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::create(path).map_err(failed),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(SecretError::Malformed { path: path.display().to_string() })
            }
            Err(error) => Err(failed(error)),
        }
    }

    fn from_text_file(text: &str, path: &Path) -> Result<Self, SecretError> {
        let mut bytes = Zeroizing::new([0; 32]);
        match hex::decode_to_slice(text, bytes.as_mut_slice()) {
            Ok(()) => Ok(Self(bytes)),
            Err(_) => Err(SecretError::Malformed { path: path.display().to_string() }),
        }
    }

    fn create(path: &Path) -> io::Result<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut_slice()).map_err(|error| io::Error::other(error.to_string()))?;
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        let text = Zeroizing::new(hex::encode(bytes.as_slice()));
        writeln!(file, "{}", text.as_str())?;
        file.sync_all()?;
        Ok(Self(bytes))
    }

    /// A 32-byte key for one purpose, named by a context string that is used nowhere else (BLAKE3 `derive_key`).
    pub fn derive(&self, context: &str) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(blake3::derive_key(context, self.0.as_slice()))
    }
}
