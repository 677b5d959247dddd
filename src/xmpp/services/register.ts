/**
 * XEP-0077: a Jabber user links their far account, changes its password, unlinks it. Credentials are tried before the
 * answer is given; nothing is kept here. Old clients get the two plain fields, new ones the form as well; either is understood.
 */
import type { BareJid } from '../../core/address';
import type { JabberMiddle } from '../../bridge/ports';
import { Fault } from '../../core/fault';
import { formEl, readForm } from '../stanza/form';
import { accountFromText } from './gateway-prompt';
import type { IqRequest, IqService } from '../iq';
import { ns } from '../stanza/ns';
import type { JabberOptions } from '../options';
import { childOf, childText, el, payload, textEl, type Element } from '../stanza/element';
import { textsFor, type Texts } from '../../core/i18n';

type Options = Pick<JabberOptions, 'homeDomain' | 'mayRegister'> & Pick<JabberMiddle, 'registration'>;

export function registrationService(options: Options): IqService {
  const { registration } = options;
  return {
    name: 'query',
    xmlns: ns.register,
    of: 'gateway',
    isUnlisted: !options.mayRegister, // who is linked may still leave
    get({ from, language }) {
      const account = registration.accountOf(from.bare);
      if (!registration.isAllowed(from.bare)) throw new Fault('forbidden');
      if (!options.mayRegister && account === null) throw new Fault('not-allowed');
      return formFor(account, textsFor(language).gateway);
    },
    async set(request) {
      const user = request.from.bare;
      if (childOf(request.payload, 'remove')) await unlink(options, user);
      else await link(options, request);
      return null;
    },
  };
}

async function unlink({ registration }: Options, user: BareJid): Promise<void> {
  if (registration.accountOf(user) === null) throw new Fault('not-linked');
  await registration.unlink(user);
}

async function link(options: Options, { from, payload: query, signal }: IqRequest): Promise<void> {
  const { registration, homeDomain } = options;
  const form = readForm(query);
  if (form === 'cancel') return;
  if (!registration.isAllowed(from.bare)) throw new Fault('forbidden');
  if (!options.mayRegister) throw new Fault('not-allowed');
  const said = (name: string): string => form?.get(name) ?? childText(query, name) ?? '';
  const username = said('username').trim();
  const password = said('password');
  const account = username === '' ? registration.accountOf(from.bare) : accountFromText(username, homeDomain);
  if (account === null || password === '') throw new Fault('not-acceptable', { reason: 'accountNeeded' });
  await registration.link(from.bare, account, password, signal);
}

function formFor(account: string | null, words: Texts['gateway']): Element {
  const hint = account === null ? words.registerHint : words.registered;
  return payload(
    'query',
    ns.register,
    {},
    account === null ? null : el('registered'),
    textEl('instructions', hint),
    textEl('username', account ?? ''),
    textEl('password', ''),
    formEl({ type: 'form', title: words.registerTitle, hint, formType: ns.register }, [
      { var: 'username', type: 'text-single', label: words.account, value: account, isRequired: true },
      { var: 'password', type: 'text-private', label: words.password, isRequired: true },
    ]),
  );
}
