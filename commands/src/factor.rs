//! Second factors: made, taken into use, shown at sign-in, turned off.

use secrecy::{ExposeSecret, SecretString};
use tidings_domain::{
    KeyId, StreamId, UserId,
    factor::{FactorCommand, FactorEvent, FactorRefusal, Shown},
    user::UserRefusal,
    values::{Otp, Password, TOTP_SECRET_BYTES, TotpSecret},
};
use zeroize::Zeroizing;

use crate::{Commands, Context, Error, Outcome};

/// Who asks, as authenticators show it.
const ISSUER: &str = "Tidings";

/// A secret for an authenticator.
#[derive(Debug, Clone)]
pub struct TotpOffer {
    /// To be typed in.
    pub secret: TotpSecret,
    /// To be scanned.
    pub uri: String,
}

impl Commands {
    /// Makes a secret. It asks for nothing until [`Commands::enable_totp`] has seen a code of it.
    pub async fn offer_totp(&self, user: UserId, context: &Context) -> Result<Outcome<TotpOffer>, Error> {
        let (key, username) = self.key_and_name(user).await?;
        let mut random = Zeroizing::new([0_u8; TOTP_SECRET_BYTES]);
        getrandom::fill(random.as_mut_slice()).map_err(|error| Error::Internal(error.to_string()))?;
        let command = FactorCommand::Offer { key, secret: TotpSecret::from_bytes(*random), at: context.now };
        let outcome = self.0.factors.execute(StreamId::Factor(user), &command, context).await?;
        let Outcome { value, position, replayed } = outcome;
        let Some((_, FactorEvent::Offered(event))) = value.into_iter().next() else { return Err(Error::KeyReused) };
        let secret = event.secret.into_clear().ok_or(Error::Forgotten)?;
        let uri = secret.uri(ISSUER, &username);
        let uri = uri.ok_or_else(|| Error::Internal("a secret has no address for authenticators".to_owned()))?;
        Ok(Outcome { value: TotpOffer { secret, uri }, position, replayed })
    }

    /// Takes the secret into use, for one whose authenticator has it. The recovery codes are shown this once: of them, too,
    /// only hashes are kept.
    pub async fn enable_totp(
        &self,
        user: UserId,
        otp: &Otp,
        context: &Context,
    ) -> Result<Outcome<Vec<SecretString>>, Error> {
        let (key, _) = self.key_and_name(user).await?;
        let codes = self.0.blinding.recovery_codes(user, context)?;
        let recovery_codes =
            codes.iter().map(|code| self.0.blinding.recovery_hash(user, code.expose_secret())).collect();
        let command = FactorCommand::Enable { key, shown: self.shown(user, otp), recovery_codes, at: context.now };
        let outcome = self.0.factors.execute(StreamId::Factor(user), &command, context).await?;
        match outcome.value.first() {
            Some((_, FactorEvent::Enabled(_))) => Ok(outcome.map(|_| codes)),
            Some(_) | None => Err(Error::KeyReused),
        }
    }

    /// Turns the second factor off, for one who knows the password.
    pub async fn disable_totp(
        &self,
        user: UserId,
        password: Option<&Password>,
        context: &Context,
    ) -> Result<Outcome<()>, Error> {
        let stream = StreamId::Factor(user);
        if let Some(before) = self.0.factors.recalled(stream, context).await? {
            return Ok(before.map(drop));
        }
        self.must_know_password(user, password, context).await?;
        let command = FactorCommand::Disable { at: context.now };
        let outcome = self.0.factors.execute_new(stream, &command, context).await?;
        Ok(outcome.map(drop))
    }

    /// Turns the second factor off, whoever asks: for somebody who lost it with all codes, and when an account is closed, so that
    /// nothing of it stays in memory, here or at other nodes. In the log it is sealed under the account's key.
    pub async fn forget_second_factor(&self, user: UserId, context: &Context) -> Result<Outcome<()>, Error> {
        let command = FactorCommand::Disable { at: context.now };
        Ok(self.0.factors.execute(StreamId::Factor(user), &command, &context.without_key()).await?.map(drop))
    }

    /// Whether signing in takes a second factor.
    pub(crate) async fn takes_second_factor(&self, user: UserId) -> Result<bool, Error> {
        self.0.factors.peek(StreamId::Factor(user), tidings_domain::factor::Factor::is_on).await
    }

    /// Takes a second factor for a sign-in, which uses it up. Whether it was right; under a key, whether it was the first
    /// time.
    pub(crate) async fn use_second_factor(&self, user: UserId, otp: &Otp, context: &Context) -> Result<bool, Error> {
        let command = FactorCommand::Use { shown: self.shown(user, otp), at: context.now };
        // the session's own event carries the key
        let context = Context { actor: Some(user), ..context.step("second factor") };
        match self.0.factors.execute(StreamId::Factor(user), &command, &context).await {
            Ok(_) => Ok(true),
            Err(Error::Refused(crate::Refusal::Factor(FactorRefusal::WrongCode))) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn shown(&self, user: UserId, otp: &Otp) -> Shown {
        match otp {
            Otp::Code(code) => Shown::Code(code.clone()),
            Otp::Recovery(code) => Shown::Recovery(self.0.blinding.recovery_hash(user, code)),
        }
    }

    async fn key_and_name(&self, user: UserId) -> Result<(KeyId, String), Error> {
        let account = self.account(user).await?.filter(|account| !account.closed).ok_or(UserRefusal::NoSuchUser)?;
        let name = account.identity.map(|identity| identity.username.into_string());
        Ok((account.key, name.ok_or(UserRefusal::NoSuchUser)?))
    }
}
