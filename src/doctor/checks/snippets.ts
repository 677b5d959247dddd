/**
 * What an operator adds to the XMPP server's configuration, with their own names in it. The same text as
 * config/prosody.cfg.lua, config/ejabberd.yml, docs/prosody.md and docs/ejabberd.md; a test proves it. It replaces nothing
 * that the operator has. The secret itself never appears.
 */
import type { Config } from '../../config';
import { parseXmppService } from '../../config';
import { domainOf } from '../../core/address';

export interface SnippetNames {
  readonly domain: string;
  readonly port: number;
  /** host of the users, as far as it can be guessed */
  readonly users: string;
  /** xmpp.domain of the configuration, when that seems to be the host of the users itself; else null */
  readonly mistaken: string | null;
}

/** Stands for the secret, which belongs on no terminal. */
export const secret = 'THE-VALUE-OF-xmpp.secret';

/** Names at the top which are not sold: a domain directly below one is a host like any other (RFC 6761, RFC 6762, RFC 9476). */
const privateTops = ['test', 'localhost', 'local', 'example', 'invalid', 'internal', 'lan', 'home', 'alt'];

/**
 * The names of a configuration. The users' host is xmpp.serverDomain, else that of the first account, else the parent of
 * xmpp.domain; where the parent is a top-level domain, xmpp.domain is taken for the users' host itself.
 */
export function namesOf(config: Config): SnippetNames {
  const { service, domain, serverDomain } = config.xmpp;
  const port = parseXmppService(service)?.port ?? 5347;
  const first = config.accounts[0];
  const parent = domain.slice(domain.indexOf('.') + 1);
  const known = serverDomain ?? (first ? domainOf(first.jid) : null);
  const isTop = !parent.includes('.') && !privateTops.includes(parent);
  if (known === null && isTop) return { domain: `ximss.${domain}`, port, users: domain, mistaken: domain };
  return { domain, port, users: known ?? parent, mistaken: null };
}

/** A file of its own for Prosody: listener, rights (XEP-0356), component. */
export function prosodySnippet({ domain, port, users }: SnippetNames): string {
  return `component_ports = { ${port} }
component_interfaces = { "127.0.0.1" }

VirtualHost "${users}"
    privileged_entities = {
        ["${domain}"] = { roster = "both"; presence = "managed_entity" };
    }

Component "${domain}"
    name = "XIMSS"
    component_secret = "${secret}"
    component_conflict_resolve = "kick_old"
    modules_enabled = { "privilege" }`;
}

/** A file of its own for ejabberd: listener, component, rights (XEP-0356). */
export function ejabberdSnippet({ domain, port }: SnippetNames): string {
  return `listen:
  - port: ${port}
    ip: "127.0.0.1"
    module: ejabberd_service
    access: all
    shaper: none
    global_routes: false
    hosts:
      ${domain}:
        password: "${secret}"

acl:
  ximss_bridge:
    server: ${domain}

access_rules:
  ximss_bridge:
    allow: ximss_bridge

modules:
  mod_privilege:
    roster:
      both: ximss_bridge
    presence:
      managed_entity: ximss_bridge`;
}

/** Advice: both servers' snippets. */
export function serverAdvice(names: SnippetNames): string {
  const { domain, users, mistaken } = names;
  const first =
    mistaken === null
      ? []
      : [
          `${mistaken} seems to be the domain of your users. The bridge needs one of its own, here and there, for instance:`,
          `    xmpp:\n      domain: ${domain}`,
        ];
  return [
    ...first,
    `Prosody: add "privilege" to the modules_enabled that ${users} uses, save this as /etc/prosody/conf.d/ximss.cfg.lua and`,
    'restart. Leave out the first two lines when you have components already (docs/prosody.md):',
    indent(prosodySnippet(names)),
    'ejabberd: save this as /etc/ejabberd/ximss.yml, name it under include_config_file and restart (docs/ejabberd.md):',
    indent(ejabberdSnippet(names)),
  ].join('\n');
}

const indent = (text: string): string => text.replace(/^(?=.)/gm, '    ');
