-- Prosody: what the XMPP <-> XIMSS bridge needs. Tried with 0.12; needs mod_privilege, which is not part of Prosody
-- itself (Debian: apt install prosody-modules; elsewhere: prosodyctl install, or the prosody-modules repository).
--
-- Put this file into /etc/prosody/conf.d/ (Debian includes it from there), or paste its three parts into
-- prosody.cfg.lua: part 1 above the first VirtualHost line, parts 2 and 3 at the end. Then replace
--   example.org         by the domain of your users            (a VirtualHost that you have already)
--   ximss.example.org   by a domain for the bridge             (xmpp.domain in the bridge's configuration)
--   change-me           by a long random secret                (xmpp.secret in the bridge's configuration)
-- and restart Prosody: a new component port is not opened by a reload.
--
-- ximss.example.org needs no DNS record, unless users of other servers are to reach the bridge as well.

-- Part 1: the listener for components (xmpp.service in the bridge's configuration: xmpp://127.0.0.1:5347).
-- The protocol (XEP-0114) has no encryption: keep it on the loopback, or bring it to the bridge's host by a tunnel.
component_ports = { 5347 }
component_interfaces = { "127.0.0.1" }

-- Without these, large stanzas wait for the next turn of Prosody's event loop and small ones for Nagle's algorithm.
-- When you have network_settings already, add the two to yours.
network_settings = { nagle = false, min_wait = 1e-6 }

-- Part 2: rights of the bridge over the accounts of this host (XEP-0356). With them, XIMSS contacts appear in the
-- users' own rosters with names and groups, without a subscription dialogue for each. Without them the bridge works
-- too, and asks with one subscription request per contact. Repeat this part for every VirtualHost it serves.
VirtualHost "example.org"
    modules_enabled = { "privilege" } -- beside what is enabled for all hosts
    privileged_entities = {
        ["ximss.example.org"] = {
            roster = "both"; -- read, and write contacts of its own domain
            message = "outgoing"; -- carbon copies of what the user wrote elsewhere
            presence = "managed_entity"; -- who is online
        };
    }

-- Part 3: the bridge itself.
Component "ximss.example.org"
    name = "XIMSS" -- shown in service discovery also while the bridge is down
    component_secret = "change-me"
    modules_enabled = { "privilege" }

    -- After a power cut or a network fault the old connection may look alive for many minutes. "kick_old" lets the
    -- restarted bridge in at once; with Prosody's default, "kick_new", it would be refused for as long.
    component_conflict_resolve = "kick_old"

    -- Prosody closes the stream on a stanza over 512 KiB. The bridge's limits.stanzaBytes (256 KiB) stays below; when
    -- you raise one, raise the other:
    -- component_stanza_size_limit = 1024 * 512
