-- KEYS lease, old stream, new stream. ARGV holder, ms, ids, oldest first. Moves some entries of a stream of layout 2 into a
-- shard, with their ids; one that would stand before what is there already gets a new one. Returns 1, or 'STALE' when
-- another process migrates.

--- @include "lib/under-lease.lua"

if not isOurs() then return 'STALE' end
for i = 3, #ARGV do
  local entry = redis.call('XRANGE', KEYS[2], ARGV[i], ARGV[i])[1]
  if entry then
    local added = redis.pcall('XADD', KEYS[3], entry[1], unpack(entry[2]))
    if type(added) == 'table' and added.err then redis.call('XADD', KEYS[3], '*', unpack(entry[2])) end
    redis.call('XDEL', KEYS[2], ARGV[i])
  end
end
return 1
