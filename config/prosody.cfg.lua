-- Prosody: what the XMPP <-> XIMSS bridge needs, as a file that adds to your configuration and replaces nothing in it.
-- Tried with 0.12. docs/prosody.md shows the whole way. Three steps:
--
-- 1. Add "privilege"; to the list modules_enabled that the host of your users uses (in Debian's configuration the one list
--    in prosody.cfg.lua). mod_privilege is not part of Prosody itself: apt install prosody-modules, or prosodyctl install.
-- 2. Put this file into /etc/prosody/conf.d/ (Debian includes it from there), and replace
--      example.org         by the domain of your users            (a VirtualHost that you have already)
--      ximss.example.org   by a domain for the bridge             (xmpp.domain in the bridge's configuration)
--      change-me           by a long random secret                (xmpp.secret in the bridge's configuration)
-- 3. Restart Prosody: a new component port is not opened by a reload.
--
-- ximss.example.org needs no DNS record, unless users of other servers are to reach the bridge as well.

-- The listener for components (xmpp.service in the bridge's configuration: xmpp://127.0.0.1:5347). When you have
-- components already, keep your own two lines and leave these out.
-- The protocol (XEP-0114) has no encryption: keep it on the loopback, or bring it to the bridge's host by a tunnel.
component_ports = { 5347 }
component_interfaces = { "127.0.0.1" }

-- Rights of the bridge over the accounts of this host (XEP-0356): read rosters and write its own contacts, see who is
-- online. With them, XIMSS contacts appear in the users' own rosters with names and groups, without a subscription
-- dialogue for each. Without them the bridge works too, and asks with one subscription request per contact. Repeat this
-- part for every VirtualHost it serves. When the host has privileged_entities already, add the inner line there instead.
VirtualHost "example.org"
    privileged_entities = {
        ["ximss.example.org"] = { roster = "both"; presence = "managed_entity" };
    }

-- The bridge itself. The name is shown in service discovery also while the bridge is down.
Component "ximss.example.org"
    name = "XIMSS"
    component_secret = "change-me"
    -- After a power cut or a network fault the old connection may look alive for many minutes. "kick_old" lets the
    -- restarted bridge in at once; with Prosody's default, "kick_new", it would be refused for as long.
    component_conflict_resolve = "kick_old"
    modules_enabled = { "privilege" }

    -- Prosody closes the stream on a stanza over 512 KiB. The bridge's limits.stanzaBytes (256 KiB) stays below; when
    -- you raise one, raise the other:
    -- component_stanza_size_limit = 1024 * 512

-- Optional, in the global part of prosody.cfg.lua: without it, large stanzas wait for the next turn of Prosody's event loop
-- and small ones for Nagle's algorithm. When you have network_settings already, add the two to yours.
-- network_settings = { nagle = false, min_wait = 1e-6 }
