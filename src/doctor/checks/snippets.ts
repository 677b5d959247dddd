/**
 * What an operator pastes into the XMPP server's configuration, with their own names in it. The short form of
 * config/prosody.cfg.lua and config/ejabberd.yml; a test proves that it says the same. The secret itself never appears.
 */
import type { Config } from '../../config';
import { parseXmppService } from '../../config';
import { domainOf } from '../../core/address';

export interface SnippetNames {
  readonly domain: string;
  readonly port: number;
  /** host of the users, as far as it can be guessed */
  readonly users: string;
}

/** Stands for the secret, which belongs on no terminal. */
export const secret = 'THE-VALUE-OF-xmpp.secret';

/** The names of a configuration. The users' host is that of the first account, else the parent of the component's domain. */
export function namesOf(config: Config): SnippetNames {
  const { service, domain, serverDomain } = config.xmpp;
  const first = config.accounts[0];
  const users = serverDomain ?? (first ? domainOf(first.jid) : domain.slice(domain.indexOf('.') + 1));
  return { domain, port: parseXmppService(service)?.port ?? 5347, users };
}

/** The component for Prosody. */
export function prosodyComponent({ domain, port }: SnippetNames): string {
  return `component_ports = { ${port} }
component_interfaces = { "127.0.0.1" }
Component "${domain}"
    component_secret = "${secret}"
    component_conflict_resolve = "kick_old"
    modules_enabled = { "privilege" }`;
}

/** The rights for Prosody (XEP-0356). */
export function prosodyPrivileges({ domain, users }: SnippetNames): string {
  return `VirtualHost "${users}"
    modules_enabled = { "privilege" }
    privileged_entities = {
        ["${domain}"] = { roster = "both"; message = "outgoing"; presence = "managed_entity" };
    }`;
}

/** The component for ejabberd. */
export function ejabberdComponent({ domain, port }: SnippetNames): string {
  return `listen:
  - port: ${port}
    ip: "127.0.0.1"
    module: ejabberd_service
    access: all
    shaper: none
    global_routes: false
    hosts:
      ${domain}:
        password: "${secret}"`;
}

/** The rights for ejabberd (XEP-0356). */
export function ejabberdPrivileges({ domain }: SnippetNames): string {
  return `acl:
  ximss_bridge:
    server: ${domain}
access_rules:
  ximss_bridge:
    allow: ximss_bridge
modules:
  mod_privilege:
    roster:
      both: ximss_bridge
    message:
      outgoing: ximss_bridge
    presence:
      managed_entity: ximss_bridge`;
}

/** Advice: both servers' snippets for the component. */
export function componentAdvice(names: SnippetNames): string {
  return [
    'Prosody: save this as /etc/prosody/conf.d/ximss.cfg.lua and restart (whole file with comments: config/prosody.cfg.lua):',
    indent(prosodyComponent(names)),
    'ejabberd: add this to ejabberd.yml and restart (whole file with comments: config/ejabberd.yml):',
    indent(ejabberdComponent(names)),
  ].join('\n');
}

/** Advice: both servers' snippets for the rights. */
export function privilegeAdvice(names: SnippetNames): string {
  return [
    `Prosody (apt-get install prosody-modules), for the host of your users, ${names.users}:`,
    indent(prosodyPrivileges(names)),
    'ejabberd:',
    indent(ejabberdPrivileges(names)),
  ].join('\n');
}

const indent = (text: string): string => text.replace(/^/gm, '    ');
