//! Signed tokens (RFC 7519 over RFC 7515) and the keys that they are signed with (RFC 7517).
//!
//! Only signatures by key pairs are taken: a token that is not signed, or whose secret the server
//! would have to know as well, is none. What never happens here: fetching keys, a look at a clock.

use super::issuer::TokenError;
use crate::limits::{ISSUER_KEYS, TOKEN_KEYS_TRIED};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde_json::{Map, Value};

/// What a token says.
pub(super) type Claims = Map<String, Value>;

/// How one algorithm checks a signature.
enum Check {
    Rsa(&'static signature::RsaParameters),
    /// A curve, and what checks its signatures.
    Curve(&'static str, &'static dyn signature::VerificationAlgorithm),
}

/// The algorithms that are taken. [rfc7518 3.1] [rfc8037 3.1]
const ALGORITHMS: &[(&str, Check)] = &[
    ("RS256", Check::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256)),
    ("RS384", Check::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384)),
    ("RS512", Check::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512)),
    ("PS256", Check::Rsa(&signature::RSA_PSS_2048_8192_SHA256)),
    ("PS384", Check::Rsa(&signature::RSA_PSS_2048_8192_SHA384)),
    ("PS512", Check::Rsa(&signature::RSA_PSS_2048_8192_SHA512)),
    (
        "ES256",
        Check::Curve("P-256", &signature::ECDSA_P256_SHA256_FIXED),
    ),
    (
        "ES384",
        Check::Curve("P-384", &signature::ECDSA_P384_SHA384_FIXED),
    ),
    ("EdDSA", Check::Curve("Ed25519", &signature::ED25519)),
    ("Ed25519", Check::Curve("Ed25519", &signature::ED25519)),
];

/// One public key of an issuer.
struct Key {
    id: Option<String>,
    /// The only algorithm that it is for, if it says so.
    algorithm: Option<String>,
    material: Material,
}

enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// The curve's name and the point as ring reads it.
    Curve(String, Vec<u8>),
}

/// The keys of an issuer.
#[derive(Default)]
pub(super) struct KeySet(Vec<Key>);

impl KeySet {
    /// Keys of kinds that are not known are passed over. [rfc7517 5]
    pub fn parse(document: &[u8]) -> Result<KeySet, &'static str> {
        let document: Value = serde_json::from_slice(document).map_err(|_| "it is no JSON")?;
        let keys = document.get("keys").and_then(Value::as_array);
        let keys = keys.ok_or("it has no keys")?.iter().take(ISSUER_KEYS);
        Ok(KeySet(keys.filter_map(Key::parse).collect()))
    }
}

impl Key {
    fn parse(jwk: &Value) -> Option<Key> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let octets = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
        if text("use").is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let material = match (text("kty")?, text("crv")) {
            ("RSA", _) => Material::Rsa {
                n: octets("n")?,
                e: octets("e")?,
            },
            ("EC", Some(curve)) => {
                // an uncompressed point
                let point = [vec![4], octets("x")?, octets("y")?].concat();
                Material::Curve(curve.to_owned(), point)
            }
            ("OKP", Some(curve)) => Material::Curve(curve.to_owned(), octets("x")?),
            _ => return None,
        };
        Some(Key {
            id: text("kid").map(str::to_owned),
            algorithm: text("alg").map(str::to_owned),
            material,
        })
    }

    fn verifies(&self, check: &Check, message: &[u8], signature: &[u8]) -> bool {
        match (&self.material, check) {
            (Material::Rsa { n, e }, Check::Rsa(parameters)) => RsaPublicKeyComponents { n, e }
                .verify(parameters, message, signature)
                .is_ok(),
            (Material::Curve(curve, point), Check::Curve(wanted, algorithm)) => {
                let key = UnparsedPublicKey::new(*algorithm, point);
                curve == wanted && key.verify(message, signature).is_ok()
            }
            _ => false,
        }
    }
}

/// A token that is well formed; nothing of it is believed yet.
pub(super) struct Signed<'a> {
    algorithm: String,
    key_id: Option<String>,
    message: &'a str,
    payload: &'a str,
    signature: Vec<u8>,
}

/// `BASE64URL(header) "." BASE64URL(payload) "." BASE64URL(signature)` [rfc7515 3.1]
///
/// None: the token is no JWT at all, and only the issuer can say what it means.
pub(super) fn parse(token: &str) -> Option<Signed<'_>> {
    let (message, signature) = token.rsplit_once('.')?;
    let (header, payload) = message.split_once('.')?;
    if payload.contains('.') {
        return None;
    }
    let header = URL_SAFE_NO_PAD.decode(header).ok()?;
    let header: Claims = serde_json::from_slice(&header).ok()?;
    let text = |name: &str| header.get(name).and_then(Value::as_str).map(str::to_owned);
    // what must be understood is not: no algorithm fits [rfc7515 4.1.11]
    let algorithm = match header.contains_key("crit") {
        true => String::new(),
        false => text("alg")?,
    };
    Some(Signed {
        algorithm,
        key_id: text("kid"),
        message,
        payload,
        signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
    })
}

/// Whether a token is signed with a key of the set.
pub(super) enum Verdict {
    Good(Claims),
    Bad(&'static str),
    /// There is no such key here; the issuer may have a new one.
    UnknownKey,
}

impl Signed<'_> {
    pub fn verify(&self, keys: &KeySet) -> Verdict {
        let known = ALGORITHMS.iter().find(|(name, _)| *name == self.algorithm);
        let Some((_, check)) = known else {
            return Verdict::Bad("the algorithm is not taken");
        };
        let fits = |key: &&Key| {
            let same_id = self.key_id.is_none() || key.id == self.key_id;
            let algorithm = key.algorithm.as_deref();
            same_id && algorithm.is_none_or(|only| only == self.algorithm)
        };
        let mut tried = keys.0.iter().filter(fits).take(TOKEN_KEYS_TRIED).peekable();
        if tried.peek().is_none() {
            return Verdict::UnknownKey;
        }
        let message = self.message.as_bytes();
        if !tried.any(|key| key.verifies(check, message, &self.signature)) {
            return match self.key_id {
                // the key may be a new one among many without names
                None => Verdict::UnknownKey,
                Some(_) => Verdict::Bad("the signature is wrong"),
            };
        }
        let payload = URL_SAFE_NO_PAD.decode(self.payload).ok();
        match payload.and_then(|payload| serde_json::from_slice(&payload).ok()) {
            Some(claims) => Verdict::Good(claims),
            None => Verdict::Bad("the claims are no JSON object"),
        }
    }
}

/// What claims must say. [rfc7519 4.1] [rfc9068 4]
pub(super) struct Demands<'a> {
    pub issuer: &'a str,
    pub audience: &'a [String],
    pub scope: Option<&'a str>,
    /// The claim that names the account.
    pub account: &'a str,
    pub now_s: i64,
}

/// Clocks of issuer and server may differ by this.
const LEEWAY_S: i64 = 60;

impl Demands<'_> {
    /// The account that a signed token names.
    pub fn of_token(&self, claims: &Claims) -> Result<String, TokenError> {
        if claims.get("iss").and_then(Value::as_str) != Some(self.issuer) {
            return Err(TokenError::Bad("another issuer"));
        }
        if !self.is_for_us(claims.get("aud")) {
            return Err(TokenError::Bad("for another audience"));
        }
        if !claims.contains_key("exp") {
            return Err(TokenError::Bad("it never ends"));
        }
        self.common(claims)
    }

    /// The account that the issuer names when it is asked; what it leaves out it has looked at
    /// itself. [rfc7662 2.2]
    pub fn of_answer(&self, claims: &Claims) -> Result<String, TokenError> {
        let other = |issuer: &Value| issuer.as_str() != Some(self.issuer);
        if claims.get("iss").is_some_and(other) {
            return Err(TokenError::Bad("another issuer"));
        }
        if claims.contains_key("aud") && !self.is_for_us(claims.get("aud")) {
            return Err(TokenError::Bad("for another audience"));
        }
        self.common(claims)
    }

    fn common(&self, claims: &Claims) -> Result<String, TokenError> {
        if let Some(ends) = claims.get("exp") {
            let ends = seconds(ends).ok_or(TokenError::Bad("its end is no number"))?;
            if ends.saturating_add(LEEWAY_S) <= self.now_s {
                return Err(TokenError::Expired);
            }
        }
        if let Some(begins) = claims.get("nbf") {
            let begins = seconds(begins).ok_or(TokenError::Bad("its beginning is no number"))?;
            if begins.saturating_sub(LEEWAY_S) > self.now_s {
                return Err(TokenError::Bad("it begins later"));
            }
        }
        if self.scope.is_some_and(|wanted| !has_scope(claims, wanted)) {
            return Err(TokenError::Bad("without the scope that is asked for"));
        }
        // an address that nobody has checked may be somebody else's
        if self.account == "email" && !is_verified(claims.get("email_verified")) {
            return Err(TokenError::Bad("the address is not verified"));
        }
        let account = claims.get(self.account).and_then(Value::as_str);
        let account = account.filter(|name| !name.is_empty());
        let account = account.ok_or(TokenError::Bad("it names no account"))?;
        Ok(account.to_owned())
    }

    /// One of ours, alone or in a list. [rfc7519 4.1.3]
    fn is_for_us(&self, audience: Option<&Value>) -> bool {
        let ours = |one: &Value| {
            let named = one.as_str();
            self.audience.iter().any(|ours| named == Some(ours))
        };
        match audience {
            Some(Value::Array(list)) => list.iter().any(ours),
            Some(one) => ours(one),
            None => false,
        }
    }
}

/// Whether an address may be believed. OpenID Connect Core 1.0, section 5.1, has a boolean here,
/// some issuers a text; issuers that only have addresses of their own leave it out.
fn is_verified(said: Option<&Value>) -> bool {
    match said {
        None => true,
        Some(Value::Bool(verified)) => *verified,
        Some(other) => other.as_str() == Some("true"),
    }
}

/// A NumericDate; some issuers send fractions. [rfc7519 2]
fn seconds(value: &Value) -> Option<i64> {
    value
        .as_i64()
        .or_else(|| value.as_f64().map(|seconds| seconds as i64))
}

/// `scope` is a text with spaces [rfc8693 4.2]; some issuers have `scp`, a text or a list.
fn has_scope(claims: &Claims, wanted: &str) -> bool {
    let named = |value: &Value| match value {
        Value::String(text) => text.split(' ').any(|scope| scope == wanted),
        Value::Array(list) => list.iter().any(|scope| scope.as_str() == Some(wanted)),
        _ => false,
    };
    ["scope", "scp"]
        .iter()
        .any(|name| claims.get(*name).is_some_and(named))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_token_and_no_key_make_the_reader_panic_or_believe(
            header in r#"\{("alg":"(ES256|RS256|EdDSA|none)")?,?("kid":"a")?\}"#,
            payload in ".{0,20}",
            signature in prop::collection::vec(any::<u8>(), 0..80),
            key in r#"\{"kty":"(RSA|EC|OKP)","crv":"(P-256|Ed25519)","kid":"a","[xn]":"[A-Za-z0-9_-]{0,50}","[ye]":"[A-Za-z0-9_-]{0,50}"\}"#,
        ) {
            let encode = |octets: &[u8]| URL_SAFE_NO_PAD.encode(octets);
            let token = format!(
                "{}.{}.{}",
                encode(header.as_bytes()),
                encode(payload.as_bytes()),
                encode(&signature)
            );
            let keys = KeySet::parse(format!(r#"{{"keys":[{key}]}}"#).as_bytes());
            if let (Some(signed), Ok(keys)) = (parse(&token), keys) {
                prop_assert!(!matches!(signed.verify(&keys), Verdict::Good(_)));
            }
            let _ = parse(&payload);
        }
    }

    fn verdict(token: &str, key: &str) -> Verdict {
        let keys = format!(r#"{{"keys":[{{"kty":"unknown"}},{key}]}}"#);
        let keys = KeySet::parse(keys.as_bytes()).expect("it is a set");
        parse(token).expect("it is a token").verify(&keys)
    }

    #[test]
    fn verifies_the_examples_of_the_standards() {
        // [rfc7515 3.1] [rfc7518 3.1] appendices A.2 and A.3 of RFC 7515
        let rsa = r#"{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}"#;
        let payload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
        let token = format!("eyJhbGciOiJSUzI1NiJ9.{payload}.{signature}");
        let Verdict::Good(claims) = verdict(&token, rsa) else {
            panic!("refused")
        };
        assert_eq!(claims["iss"], "joe");
        let curve = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
        let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        let token = format!("eyJhbGciOiJFUzI1NiJ9.{payload}.{signature}");
        assert!(matches!(verdict(&token, curve), Verdict::Good(_)));
        // a key of another kind, one for another algorithm, one for another use
        assert!(!matches!(verdict(&token, rsa), Verdict::Good(_)));
        let other = curve.replace("{", r#"{"alg":"ES384","#);
        assert!(matches!(verdict(&token, &other), Verdict::UnknownKey));
        let other = curve.replace("{", r#"{"use":"enc","#);
        assert!(matches!(verdict(&token, &other), Verdict::UnknownKey));
    }

    #[test]
    fn verifies_the_example_of_ed25519() {
        // [rfc8037 3.1] appendix A.4; what is signed there is no JSON
        let key =
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        let said = verdict(token, key);
        assert!(matches!(
            said,
            Verdict::Bad("the claims are no JSON object")
        ));
    }

    #[test]
    fn believes_no_address_that_is_said_to_be_unverified_in_whatever_form() {
        // OpenID Connect Core 1.0, section 5.1
        let demands = Demands {
            issuer: "",
            audience: &[],
            scope: None,
            account: "email",
            now_s: 0,
        };
        let believes = |verified: &str| {
            let text = format!(r#"{{"email":"a@example.test","email_verified":{verified}}}"#);
            let claims: Claims = serde_json::from_str(&text).expect("JSON");
            demands.common(&claims).is_ok()
        };
        for good in ["true", r#""true""#] {
            assert!(believes(good), "{good}");
        }
        for bad in ["false", r#""false""#, "0", "null"] {
            assert!(!believes(bad), "{bad}");
        }
    }

    #[test]
    fn knows_what_is_no_token_of_this_kind() {
        // [rfc7515 3.1] [rfc7517 5]
        for text in ["", "a", "a.b", "a.b.c", "a.b.c.d", "e30.e30.", "W10.e30.AA"] {
            assert!(parse(text).is_none(), "{text}");
        }
        for document in ["", "[]", "{}", r#"{"keys":{}}"#] {
            assert!(KeySet::parse(document.as_bytes()).is_err(), "{document}");
        }
        let unknown = r#"{"keys":[{"kty":"oct","k":"AA"},{"kty":"EC"},7,null]}"#;
        assert!(
            KeySet::parse(unknown.as_bytes())
                .expect("a set")
                .0
                .is_empty()
        );
    }
}
