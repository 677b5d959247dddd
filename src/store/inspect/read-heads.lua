-- ARGV lane prefix, count, lanes. Returns the place of each lane that holds something, and the head of it.

local found = {}
for i = 3, #ARGV do
  local texts = redis.call('LRANGE', ARGV[1] .. ARGV[i], 0, ARGV[2] - 1)
  if #texts > 0 then
    found[#found + 1] = i - 3
    found[#found + 1] = texts
  end
end
return found
