import { connect } from '../../src/client/client.ts';

// Gets one file into a path and prints how much of it has come, line by line, until somebody kills it.
const [address = '', tenant = '', notesFolder = '', name = '', path = ''] = process.argv.slice(2);
const client = connect({ address, tenant, notesFolder });
await client.get(name, path, {
  onProgress: ({ phase, bytesDone }) => {
    if (phase === 'receiving') process.stdout.write(`${bytesDone}\n`);
  },
});
client.close();
