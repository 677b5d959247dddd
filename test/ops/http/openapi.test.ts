/** The description of the API against what the operator answers, and the four faces against one table. */
import { adminCommands } from '../../../src/bridge/commands/admin';
import { adminCommand, adminNames, type AdminName } from '../../../src/core/admin/table';
import { answerSchemas } from '../../../src/ops/http/answers';
import { describeApi } from '../../../src/ops/http/openapi';
import { methodOf, pathOf } from '../../../src/ops/http/routes';
import { account, juliet, letter, makeOperatorScene, romeo } from '../../bridge/operator/operator-scene';

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly required: boolean }[];
  readonly requestBody?: {
    readonly content: { readonly 'application/json': { readonly schema: { properties: object } } };
  };
}
const paths = describeApi('1.2.3')['paths'] as Readonly<Record<string, Readonly<Record<string, Operation>>>>; // as OpenAPI says

test('API, its description, and the commands in a Jabber client have the commands of the table', () => {
  expect(Object.keys(paths)).toEqual(adminNames.map(pathOf));
  expect(adminCommands(makeOperatorScene().operator).map(({ node }) => `/api/${node.slice('admin/'.length)}`)).toEqual(
    adminNames.map(pathOf),
  );
});

test.each(adminNames)('%s: every argument is described', (name) => {
  const operation = paths[pathOf(name)]?.[methodOf(name).toLowerCase()];
  const described =
    operation?.parameters?.map((one) => one.name) ??
    Object.keys(operation?.requestBody?.content['application/json'].schema.properties ?? {});
  expect(described).toEqual(adminCommand(name).args.map((argument) => argument.name));
});

test('every answer is as it is described, and has nothing else', async () => {
  const { run, addDead, wait, plan, status } = makeOperatorScene(['juliet', 'nurse']);
  await addDead(letter('a'), letter('b'));
  await wait(letter('w'));
  plan({ actions: [{ do: 'removeServer', account: romeo }], skipped: [account('a')] });
  status.set(juliet, 'refused');
  const [first, second] = (await run('dead list')).entries;
  const { sealed } = await run('links export');
  const inputs: Readonly<Record<AdminName, object>> = {
    status: {},
    'links list': {},
    'links show': { user: juliet },
    'links add': { user: 'x@jabber.test', account: account('x'), password: 'p' },
    'links remove': { users: ['x@jabber.test', 'nobody@jabber.test'] },
    'links suspend': { users: [juliet] },
    'links resume': { users: [juliet] },
    'links password': { user: juliet, password: 'p' },
    'links reconnect': { all: true },
    'links export': {},
    'links import': { sealed },
    'rosters show': { user: juliet },
    'rosters compare': { user: juliet },
    lanes: {},
    'dead list': {},
    'dead show': { id: first?.id },
    'dead resend': { ids: [first?.id] },
    'dead drop': { ids: [second?.id, '1-1'] },
    trace: { id: 'm-w' },
    announce: { text: 'x' },
    audit: {},
    'log-level': {},
    reload: {},
  };
  const schemas = answerSchemas();
  for (const name of adminNames) {
    const output: unknown = JSON.parse(JSON.stringify(await run(name, inputs[name])));
    expect([name, schemas[name].parse(output)]).toEqual([name, output]);
  }
});
