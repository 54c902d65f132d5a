use super::*;
use crate::{
    Decider, KeyId, Personal, Timestamp,
    session::TokenHash,
    values::{TOTP_SECRET_BYTES, TotpSecret},
};

const AT: Timestamp = Timestamp::from_millis(1_100_521_080_000);
const STEP: i64 = 30_000;

fn secret() -> TotpSecret {
    TotpSecret::from_bytes([7; TOTP_SECRET_BYTES])
}

fn code(at: Timestamp) -> Shown {
    Shown::Code(secret().code_at(at).unwrap())
}

fn step(at: Timestamp) -> u64 {
    u64::try_from(at.millis() / STEP).unwrap()
}

fn hashes() -> Vec<TokenHash> {
    (1..=10).map(|n| TokenHash([n; 32])).collect()
}

fn offered() -> FactorEvent {
    TotpOffered { key: KeyId(1), at: AT, secret: Personal::Clear(secret()) }.into()
}

fn enabled() -> FactorEvent {
    TotpEnabled { key: KeyId(1), step: step(AT), at: AT, recovery_codes: Personal::Clear(hashes()) }.into()
}

fn when(given: &[FactorEvent], command: &FactorCommand) -> Result<Vec<FactorEvent>, FactorRefusal> {
    FactorDecider::decide(&FactorDecider::fold(given), command)
}

fn enable(shown: Shown) -> FactorCommand {
    FactorCommand::Enable { key: KeyId(1), shown, recovery_codes: hashes(), at: AT }
}

fn used(shown: Shown, at: Timestamp) -> FactorCommand {
    FactorCommand::Use { shown, at }
}

#[test]
fn a_secret_counts_only_once_a_code_has_shown_that_somebody_has_it() {
    let offer = FactorCommand::Offer { key: KeyId(1), secret: secret(), at: AT };
    assert_eq!(when(&[], &offer), Ok(vec![offered()]));
    assert_eq!(when(&[offered()], &offer), Ok(vec![offered()]), "the first was not scanned");
    assert!(!FactorDecider::fold(&[offered()]).is_on());
    assert_eq!(when(&[], &enable(code(AT))), Err(FactorRefusal::NotOffered));
    assert_eq!(when(&[offered()], &enable(Shown::Code("000000".to_owned()))), Err(FactorRefusal::WrongCode));
    assert_eq!(when(&[offered()], &enable(Shown::Recovery(hashes()[0]))), Err(FactorRefusal::WrongCode));
    assert_eq!(when(&[offered()], &enable(code(AT))), Ok(vec![enabled()]));
    assert!(FactorDecider::fold(&[offered(), enabled()]).is_on());
}

#[test]
fn one_that_is_on_is_not_replaced_by_whoever_holds_a_session() {
    let offer = FactorCommand::Offer { key: KeyId(1), secret: secret(), at: AT };
    assert_eq!(when(&[offered(), enabled()], &offer), Err(FactorRefusal::AlreadyOn));
    assert_eq!(when(&[offered(), enabled()], &enable(code(AT))), Err(FactorRefusal::AlreadyOn));
}

#[test]
fn a_code_serves_once_and_so_does_no_earlier_one_after_it() {
    let later = AT.plus_millis(10 * STEP);
    let given = [offered(), enabled()];
    assert_eq!(when(&given, &used(code(AT), AT)), Err(FactorRefusal::WrongCode), "it has turned the factor on");
    let taken: FactorEvent = TotpCodeUsed { step: step(later), at: later }.into();
    assert_eq!(when(&given, &used(code(later), later)), Ok(vec![taken.clone()]));
    let given = [offered(), enabled(), taken];
    assert_eq!(when(&given, &used(code(later), later)), Err(FactorRefusal::WrongCode));
    assert_eq!(when(&given, &used(code(later.plus_millis(-STEP)), later)), Err(FactorRefusal::WrongCode));
    assert!(when(&given, &used(code(later.plus_millis(STEP)), later)).is_ok());
}

#[test]
fn a_code_of_another_time_is_wrong_beyond_one_step() {
    let later = AT.plus_millis(10 * STEP);
    let given = [offered(), enabled()];
    for (off, right) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
        let shown = code(later.plus_millis(off * STEP));
        assert_eq!(when(&given, &used(shown, later)).is_ok(), right, "{off}");
    }
}

#[test]
fn each_recovery_code_serves_once() {
    let mut given = vec![offered(), enabled()];
    for (which, hash) in hashes().into_iter().enumerate() {
        let events = when(&given, &used(Shown::Recovery(hash), AT)).unwrap();
        assert_eq!(events, [RecoveryCodeUsed { which: u32::try_from(which).unwrap(), at: AT }.into()]);
        given.extend(events);
        assert_eq!(when(&given, &used(Shown::Recovery(hash), AT)), Err(FactorRefusal::WrongCode));
    }
    assert_eq!(when(&given, &used(Shown::Recovery(TokenHash([99; 32])), AT)), Err(FactorRefusal::WrongCode));
}

#[test]
fn without_it_nothing_is_asked_for_and_the_old_codes_are_void() {
    let disable = FactorCommand::Disable { at: AT };
    assert_eq!(when(&[], &disable), Ok(vec![]));
    assert_eq!(when(&[], &used(code(AT), AT)), Ok(vec![]));
    let off: FactorEvent = TotpDisabled { at: AT }.into();
    assert_eq!(when(&[offered(), enabled()], &disable), Ok(vec![off.clone()]));
    assert_eq!(when(&[offered()], &disable), Ok(vec![off.clone()]));
    let given = [offered(), enabled(), off, offered(), enabled()];
    assert!(FactorDecider::fold(&given).is_on());
    assert!(!FactorDecider::fold(&given[..3]).is_on());
    assert_eq!(when(&given[..3], &enable(code(AT))), Err(FactorRefusal::NotOffered));
}

#[test]
fn what_was_forgotten_asks_for_nothing() {
    let gone: FactorEvent = TotpOffered { key: KeyId(1), at: AT, secret: Personal::Withheld }.into();
    assert!(!FactorDecider::fold(&[gone, enabled()]).is_on());
}
