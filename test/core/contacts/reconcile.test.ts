import { reconcileContact } from '../../../src/core/contacts/reconcile';
import {
  entryOf,
  farOf,
  groupedLabels,
  known,
  marriedLabels,
  romeoLabels,
  viewOf,
  words,
  type World,
} from './roster-world';

describe('one contact', () => {
  test.each<[string, World, string[]]>([
    [
      'all agree',
      { far: farOf('both'), server: entryOf('both'), known: known('both', romeoLabels), access: 'both' },
      [],
    ],
    [
      'the order of groups is no difference',
      {
        far: farOf('none', false, groupedLabels),
        server: entryOf('none', false, { name: '', groups: ['Friends', 'Verona'] }),
        known: known('none', groupedLabels),
        access: 'both',
      },
      [],
    ],
    [
      'a new far contact is written',
      { far: farOf('both'), server: null, known: known('none'), access: 'both' },
      ['writeServer Romeo [Friends] both', 'show', 'save both Romeo'],
    ],
    [
      'a new far contact that is only an address',
      { far: farOf('none'), server: null, known: known('none'), access: 'both' },
      ['writeServer Romeo [Friends] none', 'save none Romeo'],
    ],
    [
      'where nothing can be written: one request',
      { far: farOf('both'), server: null, known: known('none'), access: 'none' },
      ['toJabber subscribe', 'save none+out approved unsynced'],
    ],
    [
      'where it can only be read: the same',
      { far: farOf('to'), server: null, known: known('none'), access: 'get' },
      ['toJabber subscribe', 'save none+out approved unsynced'],
    ],
    [
      'and no second request',
      { far: farOf('both'), server: null, known: known('none+out', null, { approved: true }), access: 'none' },
      [],
    ],
    [
      'an address alone is no reason for a request',
      { far: farOf('none'), server: null, known: known('none'), access: 'none' },
      [],
    ],
    [
      'nor is a contact that the user has denied',
      { far: farOf('none'), server: null, known: known('none', null, { denied: true }), access: 'both' },
      [],
    ],
    [
      'a denied contact that the far side lists is told again',
      { far: farOf('from'), server: null, known: known('none', null, { denied: true }), access: 'none' },
      ['toFar unsubscribed'],
    ],
    [
      'a request lost while the component was down',
      { far: null, server: entryOf('none', true), known: known('none'), access: 'get' },
      ['toFar subscribe', 'save none+in unsynced'],
    ],
    [
      'a request the far side knows is not repeated',
      { far: farOf('none', true), server: entryOf('none', true), known: known('none', romeoLabels), access: 'get' },
      ['save none+in Romeo'],
    ],
    [
      'a request that waits',
      { far: farOf('none', true), server: entryOf('none', true), known: known('none+in', romeoLabels), access: 'both' },
      [],
    ],
    [
      'a request that the far side has granted',
      { far: farOf('to'), server: entryOf('none', true), known: known('none+in', romeoLabels), access: 'get' },
      ['toJabber subscribed', 'show', 'save from Romeo'],
    ],
    [
      'granted, roster not readable',
      { far: farOf('to'), server: null, known: known('none+in'), access: 'none' },
      ['toJabber subscribed', 'show', 'save from unsynced'],
    ],
    [
      'a denial that got lost',
      {
        far: farOf('none'),
        server: entryOf('none', true),
        known: known('none', romeoLabels, { refused: true }),
        access: 'get',
      },
      ['toJabber unsubscribed'],
    ],
    [
      'a request withdrawn while nobody listened',
      { far: farOf('none', true), server: entryOf('none'), known: known('none+in', romeoLabels), access: 'get' },
      ['toFar unsubscribe', 'save none Romeo'],
    ],
    [
      'the user has left while nobody listened',
      { far: farOf('both'), server: entryOf('from'), known: known('both', romeoLabels), access: 'both' },
      ['toFar unsubscribe', 'save to Romeo'],
    ],
    [
      'the far side has thrown the user out',
      { far: farOf('from'), server: entryOf('both'), known: known('both', romeoLabels), access: 'get' },
      ['hide', 'toJabber unsubscribed', 'save to Romeo'],
    ],
    [
      'the user has approved while nobody listened',
      { far: farOf('to'), server: entryOf('both'), known: known('from+out', romeoLabels), access: 'get' },
      ['toFar subscribed', 'save both Romeo'],
    ],
    [
      'the user has taken an approval back',
      { far: farOf('both'), server: entryOf('to'), known: known('both', romeoLabels), access: 'both' },
      ['toFar unsubscribed', 'save from Romeo'],
    ],
    [
      'a far roster that is late does not undo an approval',
      { far: farOf('to'), server: entryOf('both'), known: known('both', romeoLabels), access: 'both' },
      [],
    ],
    [
      'allowed elsewhere on the far side',
      { far: farOf('both'), server: entryOf('to'), known: known('from', romeoLabels), access: 'both' },
      ['writeServer Romeo [Friends] both', 'save both Romeo'],
    ],
    [
      'a stranger who waits for the user is left alone',
      { far: null, server: null, known: known('none+out'), access: 'get' },
      [],
    ],
    [
      'deleted on the far side',
      { far: null, server: entryOf('both'), known: known('both', romeoLabels), access: 'both' },
      ['hide', 'removeServer', 'save none unsynced'],
    ],
    [
      'the same where nothing can be written',
      { far: null, server: entryOf('both'), known: known('both', romeoLabels), access: 'get' },
      ['hide', 'toJabber unsubscribed', 'toJabber unsubscribe', 'save none unsynced'],
    ],
    [
      'deleted, but asked for again',
      { far: null, server: entryOf('none', true), known: known('none', romeoLabels), access: 'both' },
      ['toFar subscribe', 'save none+in Romeo'],
    ],
    [
      'deleted by the user',
      { far: farOf('both'), server: null, known: known('both', romeoLabels), access: 'both' },
      ['removeFar', 'save none unsynced'],
    ],
    [
      'a denial outlives the contact',
      { far: null, server: null, known: known('none', romeoLabels, { denied: true }), access: 'both' },
      ['save none denied unsynced'],
    ],
    [
      'renamed on the far side',
      {
        far: farOf('both', false, marriedLabels),
        server: entryOf('both'),
        known: known('both', romeoLabels),
        access: 'both',
      },
      ['writeServer Romeo M. [] both', 'save both Romeo M.'],
    ],
    [
      'renamed by the user',
      {
        far: farOf('both'),
        server: entryOf('both', false, marriedLabels),
        known: known('both', romeoLabels),
        access: 'both',
      },
      ['writeFar Romeo M. []', 'save both Romeo M.'],
    ],
    [
      'renamed by the user, read only',
      {
        far: farOf('both'),
        server: entryOf('both', false, marriedLabels),
        known: known('both', romeoLabels),
        access: 'get',
      },
      ['writeFar Romeo M. []', 'save both Romeo M.'],
    ],
    [
      'renamed on the far side, read only: nothing to be done',
      {
        far: farOf('both', false, marriedLabels),
        server: entryOf('both'),
        known: known('both', romeoLabels),
        access: 'get',
      },
      [],
    ],
    [
      'renamed by both: the user wins',
      {
        far: farOf('both', false, { name: 'Far', groups: ['Friends'] }),
        server: entryOf('both', false, { name: 'Near', groups: ['Friends'] }),
        known: known('both', romeoLabels),
        access: 'both',
      },
      ['writeFar Near [Friends]', 'save both Near'],
    ],
    [
      'a name here, groups there: both survive',
      {
        far: farOf('both', false, { name: 'Romeo', groups: ['Work'] }),
        server: entryOf('both', false, { name: 'Near', groups: ['Friends'] }),
        known: known('both', romeoLabels),
        access: 'both',
      },
      ['writeServer Near [Work] both', 'writeFar Near [Work]', 'save both Near'],
    ],
    [
      'a client that leaves the name out has not removed it',
      {
        far: farOf('both'),
        server: entryOf('both', false, { name: null, groups: ['Friends'] }),
        known: known('both', romeoLabels),
        access: 'both',
      },
      ['writeServer Romeo [Friends] both'],
    ],
    [
      'at first sight the far side names',
      { far: farOf('both'), server: entryOf('both', false, marriedLabels), known: known('both'), access: 'both' },
      ['writeServer Romeo [Friends] both', 'save both Romeo'],
    ],
    [
      'unless it has no name',
      {
        far: farOf('both', false, { name: null, groups: [] }),
        server: entryOf('both', false, romeoLabels),
        known: known('both'),
        access: 'both',
      },
      ['writeFar Romeo [Friends]', 'save both Romeo'],
    ],
  ])('%s', (_, world, expected) => {
    expect(words(reconcileContact(viewOf(world)))).toEqual(expected);
  });

  test('a far rewrite keeps the hidden groups', () => {
    const world: World = {
      far: farOf('both'),
      server: entryOf('both', false, marriedLabels),
      known: known('both', romeoLabels),
      access: 'both',
    };
    expect(reconcileContact(viewOf(world))[0]).toMatchObject({ do: 'writeFar', contact: { hiddenGroups: ['~x'] } });
  });
});
