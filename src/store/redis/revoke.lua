-- Adds an entry to the list of revocations, or takes one back. Every change gets the next number, so that a gate can
-- ask for what is new. KEYS: the numbers, the entries, the ends, the last number. ARGV: id, entry, when to forget it.
local number = redis.call('INCR', KEYS[4])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[1], number, ARGV[1])
redis.call('ZADD', KEYS[3], 'GT', ARGV[3], ARGV[1])
return { string.format("%.0f", number) }
