/** Servers with other readings of the protocol, each with the dialect that the doctor must find. */
import { el, attr, childOf, textOf, type Element } from '../../../src/ximss/wire/element';
import { testCertificate } from '../../support/cert';
import { type XimssServerOptions } from '../../support/ximss-server/server';
import { withAttrs, type Rules } from '../translator';

const show = (element: Element, text: string): Element => ({
  ...element,
  children: [el('show', {}, text), ...element.children],
});
const later = (time: string): string => time.replace(/T../, 'T00').replace(/^..../, '2020');

/** A server with another reading, and the dialect that is to be found. */
export interface Case {
  readonly options?: XimssServerOptions;
  readonly rules?: Rules;
  readonly env?: Record<string, string>;
  readonly dialect: Record<string, string>;
}

const tls = testCertificate();
const whats: Rules = {
  request: (request) => {
    const { what, ...attrs } = request.attrs;
    if (request.name === 'presenceSet' && attrs['type'] !== undefined) return 'unknown parameter type';
    if (request.name !== 'rosterSet') return request;
    if (what === undefined) return 'what is missing';
    if (what === 'update') return withAttrs(request, { what: undefined });
    if (what === 'remove') return el('rosterSet', { ...attrs, subscription: 'remove' });
    return el('presenceSet', { ...attrs, type: what });
  },
};
const rewritten = (name: string, change: (document: Element) => Element): Rules => ({
  answer: (document) => (document.name === name ? change(document) : document),
});
export const refusing = (isRefused: (request: Element) => boolean): Rules => ({
  request: (request) => (isRefused(request) ? 'not understood' : request),
});
const isIm = (request: Element): boolean => request.name === 'sendIM';

export const cases: [string, Case][] = [
  [
    'starttls has capitals',
    {
      options: { tls },
      rules: {
        request: (request) =>
          request.name === 'starttls'
            ? 'unknown command'
            : request.name === 'startTLS'
              ? { ...request, name: 'starttls' }
              : request,
      },
      env: { BRIDGE_XIMSS_STARTTLS: 'required' },
      dialect: { starttlsElement: 'startTLS' },
    },
  ],
  [
    'a login without method is refused',
    { options: { dialect: { methodless: false } }, dialect: { clearTextLogin: 'plain' } },
  ],
  [
    'PLAIN is challenged',
    { options: { dialect: { methodless: false, plainIn: 'auth' } }, dialect: { clearTextLogin: 'plain' } },
  ],
  [
    'names come without a domain',
    {
      options: { sasl: [] },
      rules: refusing((request) => request.name === 'login' && (attr(request, 'authData') ?? '').includes('@')),
      dialect: { loginName: 'local' },
    },
  ],
  [
    'bind takes no attributes',
    {
      options: { dialect: { bareBind: { readIM: true, presence: true } } },
      rules: refusing((request) => request.name === 'signalBind' && Object.keys(request.attrs).length > 1),
      dialect: { bind: 'bare' },
    },
  ],
  ['messages have no type', { options: { dialect: { imTypes: [] } }, dialect: { messageType: 'omit' } }],
  [
    'a text stands in a body',
    {
      rules: refusing((request) => isIm(request) && textOf(request) !== ''),
      dialect: { messageContent: 'body' },
    },
  ],
  [
    'messages have no ids, no types and a body',
    {
      options: { dialect: { imTypes: [] } },
      rules: refusing((request) => isIm(request) && (attr(request, 'iqid') !== null || textOf(request) !== '')),
      dialect: { messageContent: 'body', messageType: 'omit', errorReports: 'without-ids' },
    },
  ],
  [
    'clientID is always the same',
    {
      rules: rewritten('readIM', (document) => withAttrs(document, { clientID: 'x' })),
      dialect: { senderInstance: 'ignore' },
    },
  ],
  [
    'stored messages say another time',
    {
      rules: rewritten('readIM', (document) => {
        const time = attr(document, 'gmtTime');
        return time === null ? document : withAttrs(document, { gmtTime: later(time) });
      }),
      dialect: { storedTime: 'ignore' },
    },
  ],
  [
    'chat states arrive as empty messages',
    { options: { dialect: { bodyChildren: false } }, dialect: { chatStates: 'off' } },
  ],
  [
    'chat states are refused',
    {
      rules: refusing((request) => isIm(request) && textOf(request) === '' && childOf(request, 'body') === null),
      dialect: { chatStates: 'off' },
    },
  ],
  [
    'iqRead has no type',
    {
      rules: rewritten('iqRead', (document) => withAttrs(document, { type: undefined })),
      dialect: { incomingIq: 'ignore' },
    },
  ],
  [
    'there is no directory',
    {
      rules: refusing((request) => request.name === 'listDirectory'),
      dialect: { directory: 'off' },
    },
  ],
  [
    'roster items have no subscription word',
    {
      rules: rewritten('rosterItem', (document) =>
        attr(document, 'subscription') === 'remove' ? document : withAttrs(document, { subscription: undefined }),
      ),
      dialect: { unknownSubscription: 'both' },
    },
  ],
  [
    'rosterSet names the action, subscriptions too',
    { rules: whats, dialect: { rosterSetForm: 'what', subscriptionForm: 'rosterSet' } },
  ],
  [
    'show contradicts presence',
    {
      rules: rewritten('presence', (document) =>
        childOf(document, 'presence') === null ? document : show(document, 'chat'),
      ),
      dialect: { presenceFrom: 'presence-only' },
    },
  ],
];
