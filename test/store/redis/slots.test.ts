/** Which slots nobody serves, and which primaries stand alone, by what the nodes of a Cluster answer. */
import { readNodes, uncoveredSlots } from '../../../src/store/redis/slots';

const node = ['127.0.0.1', 7000, 'id', []];

test.each([
  ['all are served', [[0, 8191, node], [8192, 16383, node]], []], // prettier-ignore
  ['in another order', [[8192, 16383, node], [0, 8191, node]], []], // prettier-ignore
  ['one in the middle is not', [[0, 99, node], [101, 16383, node]], ['100']], // prettier-ignore
  ['the first and the last are not', [[1, 16381, node]], ['0', '16382-16383']],
  ['a range without a node', [[0, 8191, node], [8192, 16383]], ['8192-16383']], // prettier-ignore
  ['nothing is served', [], ['0-16383']],
  ['no list at all', 'ERR', ['0-16383']],
])('%s', (_, answer, gaps) => {
  expect(uncoveredSlots(answer)).toEqual(gaps);
});

test('primaries, replicas, and who has none', () => {
  const lines = [
    'a1 127.0.0.1:1@101 myself,master - 0 0 1 connected 0-5460',
    'b1 127.0.0.1:2@102 master - 0 0 2 connected 5461-10922',
    'c1 127.0.0.1:3@103 master - 0 0 3 connected 10923-16383',
    'a2 127.0.0.1:4@104,host slave a1 0 0 1 connected',
    'b2 127.0.0.1:5@105 slave,fail b1 0 0 2 disconnected',
    'c2 127.0.0.1:6@106 slave,fail? c1 0 0 3 connected',
    'd1 127.0.0.1:7@107 master - 0 0 4 connected',
    '',
  ];
  expect(readNodes(lines.join('\n'))).toEqual({ primaryCount: 3, replicaCount: 2, alone: ['127.0.0.1:2'] });
  expect(readNodes('')).toEqual({ primaryCount: 0, replicaCount: 0, alone: [] });
});
