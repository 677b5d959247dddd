-- KEYS lease, term. ARGV holder, ms. Returns the term when the lease is ours now, else who holds it.

local holder = redis.call('GET', KEYS[1])
if holder then return holder end
local term = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return term
