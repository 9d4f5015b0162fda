//! nginx and HAProxy as the guides set them up, with one worker and few connections to the gate, so that clients share.
//! It must not make them stricter than they are.

use crate::support::gate::{Process, poll_connect};
use crate::support::ports::{self, Reserved};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::Command;
use tempfile::TempDir;

/// A running proxy in front of a gate.
pub(super) struct Front {
    pub(super) name: String,
    at: Reserved,
    _process: Process,
    _folder: TempDir,
}

impl Front {
    pub(super) fn address(&self) -> SocketAddr {
        self.at.address
    }

    pub(super) fn nginx(gate: SocketAddr, more: &str) -> Self {
        let (at, folder) = (ports::reserve(), tempfile::tempdir().unwrap());
        let (place, listen) = (folder.path().display(), at.address);
        let mut temporary = String::new();
        for name in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            writeln!(temporary, "  {name}_temp_path {place}/{name};").unwrap();
        }
        let text = format!(
            "daemon off;\nmaster_process off;\npid {place}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\n  \
             access_log off;\n{temporary}  upstream gate {{ server {gate}; keepalive 1; }}\n  server {{\n    \
             listen {listen};\n    client_max_body_size 0;\n    {more}\n    location / {{\n      \
             proxy_pass http://gate;\n      proxy_http_version 1.1;\n      proxy_set_header Host $http_host;\n      \
             proxy_set_header Connection \"\";\n      proxy_request_buffering off;\n      proxy_buffering off;\n      \
             proxy_next_upstream off;\n    }}\n  }}\n}}\n"
        );
        let config = folder.path().join("nginx.conf");
        std::fs::write(&config, text).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-c").arg(&config).arg("-p").arg(folder.path()).args(["-e", "stderr"]);
        Self::start(&format!("nginx {more}"), command, at, folder)
    }

    pub(super) fn haproxy(gate: SocketAddr, more: &str) -> Self {
        let (at, folder) = (ports::reserve(), tempfile::tempdir().unwrap());
        let listen = at.address;
        let text = format!(
            "global\n  nbthread 1\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 20s\n  \
             timeout server 20s\n  http-reuse always\nfrontend all\n  bind {listen}\n  {more}\n  default_backend gate\n\
             backend gate\n  server gate {gate} pool-max-conn 1\n"
        );
        let config = folder.path().join("haproxy.cfg");
        std::fs::write(&config, text).unwrap();
        let mut command = Command::new("haproxy");
        command.arg("-db").arg("-f").arg(&config);
        Self::start(&format!("HAProxy {more}"), command, at, folder)
    }

    #[track_caller]
    fn start(name: &str, mut command: Command, at: Reserved, folder: TempDir) -> Self {
        // Debian puts them where not every user looks
        command.env("PATH", "/usr/local/sbin:/usr/sbin:/usr/bin:/bin");
        let mut process = Process::start(&mut command, folder.path());
        poll_connect(&mut process, at.address);
        Self { name: name.trim_end().to_owned(), at, _process: process, _folder: folder }
    }
}
