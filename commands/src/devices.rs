//! Devices and their public keys.

use tidings_domain::{
    StreamId, UserId,
    devices::{DevicesCommand, DevicesEvent, DevicesRefusal, Marked, PublishedKeys},
    user::UserRefusal,
    values::{DeviceId, PublicKey},
};

use crate::{Commands, Context, Error, Outcome};

/// What a device publishes.
#[derive(Debug, Clone)]
pub struct Publication {
    /// Who it is.
    pub identity_key: PublicKey,
    /// To be handed out once each.
    pub key_packages: Vec<PublicKey>,
    /// To be handed out when there is none of those; none leaves the one before.
    pub fallback: Option<PublicKey>,
}

/// A key package that was handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The package.
    pub key_package: PublicKey,
    /// Whether others may have it as well.
    pub fallback: bool,
}

impl Commands {
    /// Publishes keys of a device of one's own. Key packages that were published before are passed over, so that asking twice
    /// never hands one out twice.
    pub async fn publish_keys(
        &self,
        user: UserId,
        device: DeviceId,
        publication: Publication,
        context: &Context,
    ) -> Result<Outcome<()>, Error> {
        let account = self.account(user).await?.filter(|account| !account.closed).ok_or(UserRefusal::NoSuchUser)?;
        let marked = |key: PublicKey| Marked { mark: self.0.blinding.package_mark(&key), key };
        let command = DevicesCommand::Publish {
            key: account.key,
            device,
            identity_key: publication.identity_key,
            key_packages: publication.key_packages.into_iter().map(marked).collect(),
            fallback: publication.fallback.map(marked),
            at: context.now,
        };
        Ok(self.0.devices.execute(StreamId::Devices(user), &command, context).await?.map(drop))
    }

    /// Takes a key package of somebody's device; the fallback when all are gone, which leaves no event.
    pub async fn claim_key_package(
        &self,
        owner: UserId,
        device: DeviceId,
        by: UserId,
        context: &Context,
    ) -> Result<Outcome<Claimed>, Error> {
        let stream = StreamId::Devices(owner);
        let command = DevicesCommand::Claim { device: device.clone(), by, at: context.now };
        let outcome = self.0.devices.execute(stream, &command, context).await?;
        let claimed = match outcome.value.first() {
            Some((_, DevicesEvent::Claimed(event))) => {
                let keys = self.published(owner, event.published).await?;
                let nth = usize::try_from(event.nth).unwrap_or(usize::MAX);
                keys.key_packages.into_iter().nth(nth).map(|key_package| Claimed { key_package, fallback: false })
            }
            Some(_) => return Err(Error::KeyReused),
            None => {
                let fallback = |devices: &tidings_domain::devices::Devices| {
                    devices.named(&device).and_then(|(_, device)| device.fallback())
                };
                let fallback = self.0.devices.peek(stream, fallback).await?.ok_or(DevicesRefusal::NoKeyPackages)?;
                let keys = self.published(owner, fallback.published).await?;
                keys.fallback.map(|key_package| Claimed { key_package, fallback: true })
            }
        };
        let claimed =
            claimed.ok_or_else(|| Error::Internal("a key package is not where it was published".to_owned()))?;
        Ok(outcome.map(|_| claimed))
    }

    /// Takes a device of one's own away, with what is left of its keys.
    pub async fn remove_device(&self, user: UserId, device: DeviceId, context: &Context) -> Result<Outcome<()>, Error> {
        let command = DevicesCommand::Remove { device, at: context.now };
        Ok(self.0.devices.execute(StreamId::Devices(user), &command, context).await?.map(drop))
    }

    /// What was published by the event with this version.
    async fn published(&self, owner: UserId, version: u64) -> Result<PublishedKeys, Error> {
        let (shared, name) = (&self.0.shared, StreamId::Devices(owner).name());
        let found = shared.store().read_stream(&name, version.saturating_sub(1), 1).await?;
        let Some(recorded) = found.first() else { return Err(DevicesRefusal::NoKeyPackages.into()) };
        match shared.codec().open::<DevicesEvent>(recorded, |_| true).await? {
            // what cannot be opened any more is of an account that was closed meanwhile
            DevicesEvent::Published(event) => event.keys.into_clear().ok_or(Error::Forgotten),
            DevicesEvent::Claimed(_) | DevicesEvent::Removed(_) => {
                Err(Error::Internal("keys stand in another event than the state says".to_owned()))
            }
        }
    }
}
