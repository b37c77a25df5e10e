// SPDX-License-Identifier: MIT
// ioredis against kvs: node client.js HOST PORT

'use strict';

const assert = require('node:assert');
const Redis = require('ioredis');

async function main() {
    const redis = new Redis({ host: process.argv[2], port: Number(process.argv[3]), lazyConnect: true });
    await redis.connect();
    assert.strictEqual(await redis.set('js', 'hello'), 'OK');
    assert.strictEqual(await redis.get('js'), 'hello');
    assert.strictEqual(await redis.get('js-nosuch'), null);
    assert.strictEqual(await redis.hset('js-hash', { a: '1', b: '2' }), 2);
    assert.deepStrictEqual(await redis.hgetall('js-hash'), { a: '1', b: '2' });
    assert.deepStrictEqual(await redis.hmget('js-hash', 'b', 'c'), ['2', null]);
    const replies = await redis.pipeline().get('js').hget('js-hash', 'a').ping().exec();
    assert.deepStrictEqual(replies, [[null, 'hello'], [null, '1'], [null, 'PONG']]);
    assert.deepStrictEqual(await redis.getBuffer('js'), Buffer.from('hello'));
    await assert.rejects(redis.lpush('l', 1), /unknown command 'lpush'/);
    const many = await Promise.all([...Array(1000).keys()].map((i) => redis.set(`js:${i}`, i)));
    assert.strictEqual(many.length, 1000);
    const subscriber = redis.duplicate();
    await subscriber.connect();
    assert.strictEqual(await subscriber.subscribe('js-news', 'js-other'), 2);
    const heard = new Promise((resolve) => subscriber.once('message', (...words) => resolve(words)));
    assert.strictEqual(await redis.publish('js-news', 'hello'), 1);
    assert.deepStrictEqual(await heard, ['js-news', 'hello']);
    await assert.rejects(subscriber.get('js'), /subscriber mode/);
    assert.strictEqual(await subscriber.unsubscribe(), 0);
    assert.strictEqual(await subscriber.get('js'), 'hello');
    await subscriber.quit();
    assert.strictEqual(await redis.quit(), 'OK');
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
