"""scripts/check-layers must catch each thing that it promises to catch, and nothing in a good tree."""
import tree

LAYERS = 'core:\nstore: core\npolicy: core\ngate: core store policy\ntaxii: core gate\n'


class CheckLayers(tree.TreeCase):
    script = 'check-layers'
    base = {
        'scripts/layers.txt': LAYERS,
        'src/core/err.h': '', 'src/core/err.c': '#include "core/err.h"\n#include <stdio.h>\n',
        'src/core/meson.build': "static_library('core', 'err.c')\n",
        'src/store/log.h': '#include "core/err.h"\n',
        'src/taxii/page.c': '#include "core/err.h"\n#include "taxii/page.h"\n', 'src/taxii/page.h': '',
        'src/taxii/meson.build': "static_library('taxii', 'page.c')\n",
    }

    def test_good_tree(self):
        self.assert_clean()

    def test_forbidden_include(self):
        self.put('src/taxii/page.c', '#include "core/err.h"\n#include "store/log.h"\n')
        self.assert_fault('src/taxii/page.c:2', 'taxii must not include store')

    def test_forbidden_include_in_header(self):
        self.put('src/core/err.h', '\n  #  include   "store/log.h"\n')
        self.assert_fault('src/core/err.h:2', 'core must not include store')

    def test_comment_is_no_include(self):
        self.put('src/taxii/page.c', '/* #include "store/log.h"\n#include "store/log.h"\n*/\n// #include "store/log.h"\n')
        self.assert_clean()

    def test_include_without_room(self):
        self.put('src/taxii/page.c', '#include "page.h"\n')
        self.assert_fault('src/taxii/page.c:1', 'names no room')

    def test_include_that_climbs(self):
        self.put('src/taxii/page.c', '#include "taxii/../store/log.h"\n')
        self.assert_fault('src/taxii/page.c:1', 'climbs')

    def test_include_of_nothing(self):
        self.put('src/taxii/page.c', '#include "core/gone.h"\n')
        self.assert_fault('src/taxii/page.c:1', 'does not exist')

    def test_room_below(self):
        self.put('scripts/layers.txt', LAYERS.replace('core:', 'core: gate'))
        self.assert_fault('scripts/layers.txt:1', 'core names gate')

    def test_protocol_room_with_store(self):
        self.put('scripts/layers.txt', LAYERS.replace('taxii: core gate', 'taxii: core gate store'))
        self.assert_fault('scripts/layers.txt:5', 'must not name store')

    def test_protocol_room_with_policy(self):
        self.put('scripts/layers.txt', LAYERS + 'sync: policy\n')
        self.assert_fault('scripts/layers.txt:6', 'must not name policy')

    def test_room_twice(self):
        self.put('scripts/layers.txt', LAYERS + 'core:\n')
        self.assert_fault('scripts/layers.txt:6', 'twice')

    def test_unknown_folder(self):
        self.put('src/attic/old.c', '')
        self.assert_fault('src/attic/old.c:1', 'no room')

    def test_source_outside_rooms(self):
        self.put('src/main.c', '')
        self.assert_fault('src/main.c:1', 'belongs to a room')

    def test_dead_source(self):
        self.put('src/core/dead.c', '')
        self.assert_fault('src/core/dead.c:1', 'nothing builds it')

    def test_dead_source_named_in_a_comment(self):
        self.put('src/core/dead.c', '')
        self.put('src/core/meson.build', "static_library('core', 'err.c') # not 'dead.c'\n")
        self.assert_fault('src/core/dead.c:1', 'nothing builds it')

    def test_room_without_build(self):
        self.put('src/gate/accept.c', '')
        self.assert_fault('src/gate/accept.c:1', 'no meson.build')
