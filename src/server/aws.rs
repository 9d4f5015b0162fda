//! Credentials as AWS tools find them: environment, profile, web identity, container, machine; then a role.
//! It must not keep them: the data path's own store does.

use crate::clock::UnixMillis;
use crate::proxy::keys::{Held, Source};

/// For how long one attempt may take, every place that is asked included.
#[cfg(feature = "aws")]
const LIMIT: std::time::Duration = std::time::Duration::from_secs(30);

/// Looks for credentials, and assumes the role if there is one.
///
/// # Errors
/// What the SDK says, its causes included; it names no secret.
#[cfg(feature = "aws")]
pub(super) async fn fetch(source: &Source) -> Result<Held, String> {
    tokio::time::timeout(LIMIT, fetch_now(source)).await.map_err(|_| "no answer in time".to_owned())?
}

#[cfg(feature = "aws")]
async fn fetch_now(source: &Source) -> Result<Held, String> {
    use aws_config::sts::AssumeRoleProvider;
    use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
    use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

    let http =
        aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let config = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .http_client(http)
        .region(aws_config::Region::new(source.region.clone()))
        .load()
        .await;
    let provider = match &source.role {
        None => config.credentials_provider().ok_or("the SDK has no way to find credentials")?,
        Some(role) => {
            let mut builder = AssumeRoleProvider::builder(&role.arn).session_name("presign-gate");
            if let Some(id) = &role.external_id {
                builder = builder.external_id(id);
            }
            SharedCredentialsProvider::new(builder.configure(&config).build().await)
        }
    };
    let found = provider.provide_credentials().await.map_err(|error| causes(&error))?;
    Ok(held(&found))
}

#[cfg(feature = "aws")]
fn held(found: &aws_credential_types::Credentials) -> Held {
    let millis = |time: std::time::SystemTime| {
        let since = time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        UnixMillis::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    };
    Held {
        key: crate::upstream::Key {
            access_key_id: found.access_key_id().to_owned(),
            secret: crate::secret::Secret::new(found.secret_access_key()),
            session_token: found.session_token().map(crate::secret::Secret::new),
        },
        expires: found.expiry().map(millis),
    }
}

/// An error and what is behind it, in one line.
#[cfg(feature = "aws")]
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// This build cannot; the config is refused before it comes to that.
#[cfg(not(feature = "aws"))]
pub(super) async fn fetch(_: &Source) -> Result<Held, String> {
    std::future::ready(Err("this build has no feature `aws`".to_owned())).await
}
