/**
 * The Jabber side's rows: the listener, the secret, the way back to us, the rights (XEP-0114, XEP-0356). One connection
 * serves the last three, made when the first of them asks; beside a bridge that is connected none is made.
 */
import type { Clock } from '../../bridge/ports';
import { parseXmppService, type Config } from '../../config';
import { toFault, type Fault } from '../../core/fault';
import type { Check, CheckResult } from '../runner';
import { probeComponent, type ComponentResult } from './component-probe';
import { errorCode, reach, unreachable } from './tcp-reach';
import { ejabberdSnippet, namesOf, serverAdvice } from './snippets';

export interface JabberChecksOptions {
  readonly config: Config;
  readonly clock: Clock;
  /** A bridge runs and holds the component connection. */
  readonly isTaken: () => boolean;
}

const usualPort = 5347;

/** The rows, in the order in which trouble should be looked for. */
export function jabberChecks({ config, clock, isTaken }: JabberChecksOptions): readonly Check[] {
  const { xmpp } = config;
  const endpoint = parseXmppService(xmpp.service);
  const names = namesOf(config);
  let probing: Promise<ComponentResult> | null = null;
  const probe = (signal: AbortSignal): Promise<ComponentResult> => (probing ??= probeComponent(xmpp, clock, signal));
  const beside = (detail: string): CheckResult => ({ ok: 'skip', detail });
  return [
    {
      name: 'component listener',
      async run(signal) {
        if (endpoint === null) return { ok: false, detail: `${xmpp.service} is no address` };
        try {
          await reach(endpoint, signal);
          return { ok: true, detail: `${endpoint.host} port ${endpoint.port} takes connections` };
        } catch (thrown) {
          const lead = 'Is the XMPP server running, with a component listener there (xmpp.service)?';
          return unreachable(thrown, `${lead}\n${serverAdvice(names)}`);
        }
      },
    },
    {
      name: 'component secret',
      needs: ['component listener'],
      async run(signal) {
        if (isTaken()) return { ok: true, detail: `the running bridge is connected as ${xmpp.domain}` };
        const { isAccepted, end } = await probe(signal);
        if (isAccepted) return { ok: true, detail: `accepted for ${xmpp.domain}` };
        return refusal(toFault(end), config);
      },
    },
    {
      name: 'own domain',
      needs: ['component secret'],
      async run(signal) {
        if (isTaken()) return beside('looked at only while no bridge runs; a running one proves it with every ping');
        return routing(await probe(signal), config);
      },
    },
    {
      name: 'roster rights',
      needs: ['component secret'],
      async run(signal) {
        if (isTaken()) return beside('looked at only while no bridge runs');
        return rights(await probe(signal), serverAdvice(names));
      },
    },
  ];
}

/** The row for a connection that was not accepted: what the server said, and what to do. */
export function refusal(fault: Fault, config: Config): CheckResult {
  const { xmpp } = config;
  const names = namesOf(config);
  const said = typeof fault.cause === 'string' ? fault.cause : '';
  const failed = (detail: string, advice: string): CheckResult => ({ ok: false, detail, advice });
  if (fault.code === 'stream-conflict') {
    return failed(
      `the secret is right, but another program is connected as ${xmpp.domain}: a bridge runs already`,
      'One bridge per domain. Stop the other one, or ask it: its /readyz and its log.\n' +
        `When nothing runs, an old connection lingers. Prosody lets a new one in with this line below Component "${xmpp.domain}":\n` +
        '    component_conflict_resolve = "kick_old"',
    );
  }
  if (said.startsWith('not-authorized')) {
    return failed(
      `the XMPP server refuses the secret of ${xmpp.domain}`,
      'xmpp.secret must be the same text here and there (mind xmpp.secretFile and BRIDGE_XMPP_SECRET).\n' +
        `ejabberd says the same of a domain it does not know: ${xmpp.domain} must stand there letter by letter.\n` +
        serverAdvice(names),
    );
  }
  if (/^host-(unknown|gone)/.test(said) && !said.includes('does not serve')) {
    return failed(
      `the XMPP server has no component ${xmpp.domain}`,
      `xmpp.domain must be the component's name there, letter by letter.\n${serverAdvice(names)}`,
    );
  }
  if (fault.code === 'stream-refused' || said.includes('not the stream')) {
    return failed(
      `${xmpp.service} is no component listener (${said})`,
      'That port may be the one for clients (5222) or servers (5269). The component listener is another one, usually:\n' +
        `    xmpp:\n      service: xmpp://127.0.0.1:${usualPort}\n${serverAdvice({ ...names, port: usualPort })}`,
    );
  }
  if (fault.code === 'timeout') {
    return failed(
      'the XMPP server does not finish the handshake',
      `It may not know ${xmpp.domain}, or that port speaks another protocol (TLS: write xmpps:// in xmpp.service).\n` +
        serverAdvice(names),
    );
  }
  if (fault.code === 'no-tls' || fault.code === 'bad-request') return failed(fault.text, 'Change xmpp.service.');
  const code = errorCode(fault) ?? said;
  return failed(
    `the connection ended: ${code === '' ? fault.text : code}`,
    xmpp.service.startsWith('xmpps:')
      ? 'The listener may be without TLS (write xmpp:// then), or its certificate is not trusted here\n' +
          '(NODE_EXTRA_CA_CERTS=/path/ca.pem names one more CA).'
      : 'The listener may want TLS: write xmpps:// in xmpp.service. Look into the log of the XMPP server.',
  );
}

/** The row about the way back: a stanza to our own domain must return to us. */
export function routing({ echo, end, foreign }: ComponentResult, config: Config): CheckResult {
  const { domain } = config.xmpp;
  const names = namesOf(config);
  if (end?.code === 'stream-conflict') {
    return {
      ok: false,
      detail: `another program has taken the connection of ${domain} meanwhile`,
      advice: 'One bridge per domain.',
    };
  }
  if (echo === 'returned' && foreign.length > 0) {
    return {
      ok: false,
      detail: `stanzas for other domains come to us too: ${foreign.slice(0, 3).join(', ')}`,
      advice: `ejabberd gives a component every host of its listener, unless this stands there:\n${indentTail(ejabberdSnippet(names))}`,
    };
  }
  if (echo === 'returned') return { ok: true, detail: `a stanza to ${domain} comes back to us` };
  const what = echo === 'silence' ? 'is lost' : `is refused (${echo.condition})`;
  return {
    ok: false,
    detail: `a stanza to ${domain} ${what}: the XMPP server routes that domain elsewhere`,
    advice:
      `${domain} must be the component's alone: no VirtualHost (Prosody), not under hosts (ejabberd).\n` +
      'ejabberd needs the line global_routes: false in the listener, and no second program on this domain:\n' +
      indentTail(ejabberdSnippet(names)),
  };
}

/** The row about XEP-0356. Not granted is no failure. */
export function rights(
  { grants, software }: Pick<ComponentResult, 'grants' | 'software'>,
  advice: string,
): CheckResult {
  const told = `${[...grants].map(([host, perms]) => `${host}: ${perms.join(' ')}`).join('; ')} (${software ?? 'server of unknown version'})`;
  const has = (perm: string): boolean => [...grants.values()].some((perms) => perms.includes(perm));
  const skipped = (why: string, what: string): CheckResult => ({ ok: 'skip', detail: `${why}: ${lost}`, advice: what });
  if (has('roster=both') && isEjabberd(software)) {
    const why = `${told}: granted, but ejabberd stores no subscription that a component writes`;
    return skipped(why, 'Nothing is to be done. The bridge reads the rosters, and asks instead of writing.');
  }
  if (has('roster=both')) return { ok: true, detail: told };
  if (has('roster=get')) return skipped(`rosters may be read only, ${told}`, advice);
  return skipped('not granted (XEP-0356)', advice);
}

const lost =
  'contacts are not written into the rosters of the users, each user is asked once for each contact (subscription requests) and gets no groups';

/** COMPAT ejabberd: before 23.10 it fails a component's roster change (its issue 3942), since then it leaves the subscription out. */
const isEjabberd = (software: string | null): boolean => /^ejabberd\b/i.test(software ?? '');

const indentTail = (text: string): string => text.replace(/^/gm, '    ');
