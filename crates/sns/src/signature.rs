//! What messages are signed with: an RSA key that is made when it is first needed and kept in the catalog, and its
//! certificate, which vouches for itself and is served to whoever wants to verify.
//!
//! AWS: <https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html>
//! Not as AWS: every signature is of version 2 (SHA-256); version 1 is SHA-1, which proves nothing any more.

use std::fmt;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The path of this server at which the certificate is.
pub const CERTIFICATE_PATH: &str = "/_nautilus/sns/certificate.pem";
/// RSA with SHA-256.
pub(crate) const SIGNATURE_VERSION: &str = "2";

/// A key and its certificate, as their row keeps them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SigningKey {
    /// PKCS #8 in Base64.
    key: String,
    /// PEM.
    pub certificate: String,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").finish_non_exhaustive()
    }
}

impl SigningKey {
    /// A new one. Takes some tenths of a second.
    pub(crate) fn new() -> Result<SigningKey, Error> {
        let make = || {
            let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
            let mut parameters = CertificateParams::new(Vec::new())?;
            parameters.distinguished_name.push(DnType::CommonName, "Nautilus SNS");
            let certificate = parameters.self_signed(&pair)?;
            let key = base64_simd::STANDARD.encode_to_string(pair.serialize_der());
            Ok(SigningKey { key, certificate: certificate.pem() })
        };
        make().map_err(|error: rcgen::Error| Error::SigningKey(error.to_string()))
    }

    /// The signature of a text, in Base64.
    pub(crate) fn sign(&self, text: &str) -> Result<String, Error> {
        let wrong = |reason: &dyn fmt::Display| Error::SigningKey(reason.to_string());
        let key = base64_simd::STANDARD.decode_to_vec(&self.key).map_err(|error| wrong(&error))?;
        let pair = RsaKeyPair::from_pkcs8(&key).map_err(|error| wrong(&error))?;
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
            .map_err(|error| wrong(&error))?;
        Ok(base64_simd::STANDARD.encode_to_string(signature))
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    use super::*;
    use crate::testing::{World, signing_key};

    /// Whether a signature is of a text.
    fn verifies(key: &SigningKey, text: &str, signature: &str) -> bool {
        let der = base64_simd::STANDARD.decode_to_vec(&key.key).expect("Base64");
        let pair = RsaKeyPair::from_pkcs8(&der).expect("a key");
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key());
        let signature = base64_simd::STANDARD.decode_to_vec(signature).expect("Base64");
        public.verify(text.as_bytes(), &signature).is_ok()
    }

    #[test]
    fn a_signature_is_of_its_text_alone() {
        let key = signing_key();
        let signature = key.sign("text").expect("a signature");
        assert!(verifies(&key, "text", &signature) && !verifies(&key, "texts", &signature));
        assert!(key.certificate.starts_with("-----BEGIN CERTIFICATE-----"));
        assert_eq!(format!("{key:?}"), "SigningKey { .. }");
    }

    #[test]
    fn a_notification_is_signed_as_documented() {
        let world = World::with_topic();
        world.confirmed("http://example.com/");
        world.publish("hello%0Aworld");
        let body = world.due()[0].request().body;
        let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        let member = |name: &str| body[name].as_str().expect("text");
        let text = format!(
            "Message\nhello\nworld\nMessageId\n{}\nTimestamp\n{}\nTopicArn\n{}\nType\nNotification\n",
            member("MessageId"),
            member("Timestamp"),
            member("TopicArn"),
        );
        assert!(verifies(&signing_key(), &text, member("Signature")));
        assert_eq!(world.room().certificate(), Some(signing_key().certificate));
    }

    #[test]
    fn a_question_is_signed_as_documented() {
        let world = World::with_topic();
        world.subscribe("http", "http://example.com/");
        let body = world.due()[0].request().body;
        let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        let names =
            ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];
        let lines = names.map(|name| format!("{name}\n{}\n", body[name].as_str().expect("text")));
        let signature = body["Signature"].as_str().expect("text");
        assert!(verifies(&signing_key(), &lines.concat(), signature));
    }
}
