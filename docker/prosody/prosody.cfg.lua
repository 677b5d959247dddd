-- The Prosody of docker-compose.yml: one host, config/prosody.cfg.lua as its conf.d file. For trying only.
modules_enabled = {
  "roster"; "saslauth"; "tls"; "disco"; "ping"; "version"; "time"; "carbons"; "pep"; "vcard4"; "vcard_legacy";
  "private"; "blocklist"; "offline"; "smacks"; "privilege";
}
network_settings = { nagle = false, min_wait = 1e-6 }
modules_disabled = { "s2s" }
authentication = "internal_hashed"
storage = "internal"
data_path = "/var/lib/prosody"
certificates = "/var/lib/prosody/certs"
log = { { levels = { min = "info" }; to = "console" } }

VirtualHost "example.org"

Include "/etc/prosody/conf.d/*.cfg.lua"

-- The table returns to the global part of the file.
VirtualHost "example.org" {}
-- The bridge is in another container.
component_interfaces = { "*" }
