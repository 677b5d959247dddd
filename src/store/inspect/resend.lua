-- KEYS lanes, total, dead. ARGV lane prefix, lane, dead id, text, lane max, total max. Puts a dead letter at the end of
-- the lane, past the dedupe window. Returns the lane's length, -1 = full, false = there is no such dead letter any more.

local laneKey = ARGV[1] .. ARGV[2]
if #redis.call('XRANGE', KEYS[3], ARGV[3], ARGV[3]) == 0 then return false end
local length = redis.call('LLEN', laneKey)
if length >= tonumber(ARGV[5]) or tonumber(redis.call('GET', KEYS[2]) or '0') >= tonumber(ARGV[6]) then return -1 end
redis.call('RPUSH', laneKey, ARGV[4])
redis.call('ZADD', KEYS[1], 0, ARGV[2])
redis.call('INCRBY', KEYS[2], 1)
redis.call('XDEL', KEYS[3], ARGV[3])
return length + 1
