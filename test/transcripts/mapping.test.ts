/** The table of what is carried: every row has its transcript and stands in docs/MESSAGES.md; every text feature has a row. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { textFeatures } from '../../src/xmpp/stanza/body';
import { jabberToXimss, ximssToJabber } from './mapping';

const page = readFileSync(join(__dirname, '..', '..', 'docs', 'MESSAGES.md'), 'utf8');

test.each([...jabberToXimss, ...ximssToJabber])('$what: has a transcript and stands in docs/MESSAGES.md', (row) => {
  expect(existsSync(join(__dirname, `${row.transcript}.transcript`))).toBe(true);
  expect(page).toContain(
    `| ${row.what} | ${row.becomes} | [transcript](../test/transcripts/${row.transcript}.transcript) |`,
  );
});

test.each(textFeatures)('the $name (XEP-$xep) has a row and a transcript that uses it', ({ xep }) => {
  const rows = jabberToXimss.filter(({ what }) => what.includes(`XEP-${xep}`));
  expect(rows.length).toBe(1);
  const text = readFileSync(join(__dirname, `${rows[0]?.transcript}.transcript`), 'utf8');
  expect(text.split('\n')[0]).toContain(`XEP-${xep}`);
});
