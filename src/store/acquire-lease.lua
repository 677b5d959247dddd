-- KEYS lease, lease token. ARGV holder, ms. Returns the fencing token when the lease is ours now, else false.

local holder = redis.call('GET', KEYS[1])
if holder then return false end
local token = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return token
