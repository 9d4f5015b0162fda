//! What a link itself limits: constraints signed into its URL.
