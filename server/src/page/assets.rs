//! Owns the style sheet, the script and the icon: embedded, and served under names that change with their content.
//! Never touches templates: they ask for a path by name.

use axum::{
    Router,
    extract::Path,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, sync::LazyLock};

/// `/assets/*`. A file may be kept for ever: another content has another name.
pub fn router() -> Router {
    Router::new().route("/assets/{file}", get(serve))
}

/// The path of an asset: `portico.css` is at `/assets/portico.0123456789ab.css`.
pub fn path_of(name: &str) -> Option<String> {
    SERVED.iter().find(|(_, asset)| asset.name == name).map(|(file, _)| format!("/assets/{file}"))
}

async fn serve(Path(file): Path<String>) -> Response {
    let Some(asset) = SERVED.get(&file) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.media_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, asset.bytes).into_response()
}

struct Asset {
    name: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
}

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/assets");

/// By the name they are served under. Never changes.
static SERVED: LazyLock<BTreeMap<String, Asset>> = LazyLock::new(|| {
    let served = FILES.files().filter_map(|file| {
        let (name, bytes) = (file.path().to_str()?, file.contents());
        let (stem, extension) = name.rsplit_once('.')?;
        let media_type = match extension {
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "svg" => "image/svg+xml",
            _ => return None,
        };
        let digest = Sha256::digest(bytes);
        let prefix = digest.iter().take(6).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        Some((format!("{stem}.{prefix:012x}.{extension}"), Asset { name, media_type, bytes }))
    });
    served.collect()
});

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{body::Body, http::Request};
    use tower::ServiceExt;

    async fn get(path: &str) -> Response {
        router().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn an_asset_is_served_for_ever_under_the_name_of_its_content() {
        let path = path_of("portico.css").unwrap();
        let response = get(&path).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/css; charset=utf-8");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
    }

    #[tokio::test]
    async fn nothing_else_is_served() {
        for path in ["/assets/portico.css", "/assets/..%2FCargo.toml", "/assets/"] {
            assert_eq!(get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }
}
