//! STS, as far as Terraform and the SDKs ask for it at their start: GetCallerIdentity.
//!
//! It needs no permission, and any region will do.

use nautilus_wire::{
    Answer, AwsError, Output, Protocol, Writer,
    query::{self, Form},
};

use crate::Caller;

/// The namespace of STS's answers and errors.
pub const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
/// The version of STS that there is.
pub const VERSION: &str = "2011-06-15";

/// Answers a Query call to STS. Errors are in Query's codes.
pub fn call(caller: &Caller, form: &Form<'_>, request_id: &str) -> Result<Answer, AwsError> {
    match form.action()? {
        _ if form.get("Version").is_some_and(|version| version != VERSION) => {
            Err(form.unknown_action())
        }
        "GetCallerIdentity" => Ok(get_caller_identity(caller, request_id)),
        _ => Err(form.unknown_action()),
    }
}

fn get_caller_identity(caller: &Caller, request_id: &str) -> Answer {
    let answer = Protocol::Query.answer(&CallerIdentity(caller));
    query::response("GetCallerIdentity", NAMESPACE, request_id, &answer)
}

struct CallerIdentity<'a>(&'a Caller);

impl Output for CallerIdentity<'_> {
    fn write<W: Writer>(&self, w: &mut W) {
        w.map(|w| {
            w.field_str("Arn", &self.0.arn());
            w.field_str("UserId", &user_id(&self.0.account));
            w.field_str("Account", &self.0.account);
        });
    }
}

/// An id of the shape of IAM's, always the same for an account.
fn user_id(account: &str) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    // FNV-1a: spreads twelve digits over the id, no more is asked of it.
    let mut hash = account.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut id = String::from("AIDA");
    for _ in 0..17 {
        hash = hash.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        id.push(char::from(ALPHABET[(hash >> 59) as usize]));
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Identity;

    fn check(form: &str) -> Result<String, AwsError> {
        let caller = Identity::dev().operator("123456789012", "us-east-1");
        let form = Form::parse(form.as_bytes())?;
        let answer = call(&caller, &form, "r-1")?;
        Ok(String::from_utf8(answer.body.to_vec()).expect("XML is UTF-8"))
    }

    #[test]
    fn get_caller_identity_names_the_account() {
        let id = user_id("123456789012");
        assert_eq!((id.len(), &id[..4]), (21, "AIDA"));
        assert_ne!(id, user_id("123456789013"));
        let body = check("Action=GetCallerIdentity&Version=2011-06-15").unwrap();
        assert_eq!(
            body,
            format!(
                "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
                 <GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/nautilus</Arn>\
                 <UserId>{id}</UserId><Account>123456789012</Account></GetCallerIdentityResult>\
                 <ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata>\
                 </GetCallerIdentityResponse>"
            )
        );
    }

    #[test]
    fn what_sts_does_not_know_is_an_invalid_action() {
        assert_eq!(check("Action=AssumeRole").unwrap_err().code, "InvalidAction");
        let other = check("Action=GetCallerIdentity&Version=2010-05-08").unwrap_err();
        assert_eq!((other.code.as_ref(), other.status), ("InvalidAction", 400));
        assert_eq!(check("Version=2011-06-15").unwrap_err().code, "MissingAction");
    }
}
