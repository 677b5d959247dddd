/** Namespaces of the Jabber side, named once. The number is the XEP unless it is an RFC. */
export const ns = {
  stream: 'http://etherx.jabber.org/streams', // RFC 6120
  streamErrors: 'urn:ietf:params:xml:ns:xmpp-streams', // RFC 6120
  stanzaErrors: 'urn:ietf:params:xml:ns:xmpp-stanzas', // RFC 6120
  roster: 'jabber:iq:roster', // RFC 6121
  form: 'jabber:x:data', // 0004
  lastActivity: 'jabber:iq:last', // 0012
  discoInfo: 'http://jabber.org/protocol/disco#info', // 0030
  discoItems: 'http://jabber.org/protocol/disco#items', // 0030
  muc: 'http://jabber.org/protocol/muc', // 0045
  commands: 'http://jabber.org/protocol/commands', // 0050
  vcard: 'vcard-temp', // 0054
  search: 'jabber:iq:search', // 0055
  oob: 'jabber:x:oob', // 0066
  pubsub: 'http://jabber.org/protocol/pubsub', // 0060
  rsm: 'http://jabber.org/protocol/rsm', // 0059
  xhtmlIm: 'http://jabber.org/protocol/xhtml-im', // 0071
  xhtml: 'http://www.w3.org/1999/xhtml', // 0071
  register: 'jabber:iq:register', // 0077
  avatarData: 'urn:xmpp:avatar:data', // 0084
  avatarMetadata: 'urn:xmpp:avatar:metadata', // 0084
  chatStates: 'http://jabber.org/protocol/chatstates', // 0085
  version: 'jabber:iq:version', // 0092
  gateway: 'jabber:iq:gateway', // 0100
  caps: 'http://jabber.org/protocol/caps', // 0115
  vcardUpdate: 'vcard-temp:x:update', // 0153
  nick: 'http://jabber.org/protocol/nick', // 0172
  receipts: 'urn:xmpp:receipts', // 0184
  ping: 'urn:xmpp:ping', // 0199
  time: 'urn:xmpp:time', // 0202
  delay: 'urn:xmpp:delay', // 0203
  attention: 'urn:xmpp:attention:0', // 0224
  vcard4: 'urn:ietf:params:xml:ns:vcard-4.0', // 0292
  vcard4Node: 'urn:xmpp:vcard4', // 0292
  correct: 'urn:xmpp:message-correct:0', // 0308
  markers: 'urn:xmpp:chat-markers:0', // 0333
  hints: 'urn:xmpp:hints', // 0334
  privilege1: 'urn:xmpp:privilege:1', // 0356, ejabberd before 24.10
  privilege2: 'urn:xmpp:privilege:2', // 0356
  stanzaIds: 'urn:xmpp:sid:0', // 0359
  encryption: 'urn:xmpp:eme:0', // 0380
  fasten: 'urn:xmpp:fasten:0', // 0422, carried the retraction of 0424 version 0.2
  retract0: 'urn:xmpp:message-retract:0', // 0424 before version 0.4
  retract1: 'urn:xmpp:message-retract:1', // 0424
  fallback: 'urn:xmpp:fallback:0', // 0428
  reactions: 'urn:xmpp:reactions:0', // 0444
  reply: 'urn:xmpp:reply:0', // 0461
} as const;
