import { xhtmlText } from '../../../src/xmpp/stanza/xhtml';
import { stanzaOf } from '../stanzas';

const textOf = (inside: string): string | null =>
  xhtmlText(
    stanzaOf(
      `<message><html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>${inside}</body></html></message>`,
    ),
  );

test.each<[string, string, string | null]>([
  ['emphasis', 'a <b>b</b> <i>c</i>', 'a b c'],
  ['paragraphs and breaks', '<p>a<br/>b</p><p>c</p>', 'a\nb\n\nc'],
  ['many empty paragraphs', `a${'<p/>'.repeat(50)}b`, 'a\n\nb'],
  ['layout', '\n  <p>\n    a\n    b\n  </p>\n', 'a b'],
  ['a link', `<a href='https://a.test/'>here</a>`, 'here (https://a.test/)'],
  ['a link that says its address', `<a href='https://a.test/'>https://a.test/</a>`, 'https://a.test/'],
  ['a link to nowhere', `<a href='//x'>here</a>`, 'here'],
  ['a picture', `<img alt='a cat' src='data:x'/>`, 'a cat'],
  ['a script', '<script>alert(1)</script><style>p {}</style>', null],
  ['nothing', '<p> </p>', null],
])('%s', (_what, inside, expected) => {
  expect(textOf(inside)).toBe(expected);
});

test('a message without XHTML has no such text', () => {
  expect(xhtmlText(stanzaOf('<message><body>x</body></message>'))).toBeNull();
});
