import { connect } from '../../src/client/client.ts';

// Puts one path and prints how much of it the server has, line by line, until somebody kills it.
const [address = '', tenant = '', notesFolder = '', path = ''] = process.argv.slice(2);
const client = connect({ address, tenant, notesFolder });
await client.put(path, {
  onProgress: ({ phase, bytesDone }) => {
    if (phase === 'sending') process.stdout.write(`${bytesDone}\n`);
  },
});
client.close();
