/**
 * What becomes of what people send: one row for each thing that is carried or refused, with the transcript that shows it.
 * docs/MESSAGES.md shows the same rows.
 */
export interface MappingRow {
  readonly what: string;
  readonly becomes: string;
  /** file name, without its ending */
  readonly transcript: string;
}

export const jabberToXimss: readonly MappingRow[] = [
  { what: 'message of type chat or none', becomes: 'a message', transcript: 'message-there-and-back' },
  { what: 'normal, headline; subject', becomes: 'a message; first its subject', transcript: 'message-with-subject' },
  { what: 'typing, paused, gone', becomes: 'the same, at once or never', transcript: 'chat-states' },
  {
    what: 'receipt request (XEP-0184)',
    becomes: 'a receipt when the XIMSS server has accepted the message',
    transcript: 'message-with-receipt',
  },
  {
    what: 'markable (XEP-0333)',
    becomes: 'a `received` marker then; `displayed` is dropped',
    transcript: 'message-with-marker',
  },
  { what: 'correction (XEP-0308)', becomes: '`* ` and the new text', transcript: 'message-corrected' },
  { what: 'reply (XEP-0461)', becomes: 'text, below one quoted line', transcript: 'message-that-replies' },
  { what: 'reaction (XEP-0444)', becomes: 'text, with the quotation if any', transcript: 'message-with-reaction' },
  { what: 'retraction (XEP-0424)', becomes: 'a sentence', transcript: 'message-retracted' },
  { what: 'file (XEP-0066)', becomes: 'its address, once', transcript: 'message-with-file' },
  { what: 'XHTML only (XEP-0071)', becomes: 'its text', transcript: 'message-formatted-only' },
  { what: 'attention (XEP-0224)', becomes: '`(attention!)`', transcript: 'message-calling-for-attention' },
  { what: 'written over a minute ago', becomes: 'the time (UTC), then the text', transcript: 'message-delivered-late' },
  { what: 'end-to-end encrypted', becomes: 'refused in words', transcript: 'message-encrypted' },
  { what: 'message to or in a room', becomes: 'refused in words', transcript: 'room-message-refused' },
];

export const ximssToJabber: readonly MappingRow[] = [
  { what: 'message of any type', becomes: '`chat`', transcript: 'message-of-both-formats' },
  { what: 'stored message', becomes: '`chat` with its time (XEP-0203)', transcript: 'message-stored-by-ximss' },
  { what: 'typing, paused, gone', becomes: 'chat states, not to be stored', transcript: 'chat-states' },
  {
    what: 'message that Jabber gives back',
    becomes: 'a notice to its sender, once',
    transcript: 'message-undeliverable-to-jabber',
  },
  { what: 'report of a lost message', becomes: 'an error to its sender', transcript: 'ximss-error-report' },
  {
    what: 'alert of the server',
    becomes: 'a message from the gateway',
    transcript: 'alert-of-the-ximss-server',
  },
];
