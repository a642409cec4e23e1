"""scripts/check-tidy must catch each thing that it bans, and leave alone what only looks like it."""
import tree

HEADER = '/* What it is for. */\n#pragma once\n'


def function(lines):
    return 'void f(void)\n{\n' + '    g();\n' * (lines - 2) + '}\n'


class CheckTidy(tree.TreeCase):
    script = 'check-tidy'

    def clean(self, path, text):
        self.put(path, text)
        self.assert_clean()

    def fault(self, path, text, line, word):
        self.put(path, text)
        self.assert_fault(f'{path}:{line}', word)

    def test_function_length(self):
        self.clean('src/core/a.c', function(70))
        self.fault('src/core/a.c', 'int x(void);\n' + function(71), 3, 'a function of 71 lines')

    def test_function_length_in_namespace_and_tests(self):
        self.fault('src/json/a.cpp', 'namespace\n{\n' + function(71) + '}\n', 4, 'a function of 71 lines')
        self.fault('tests/unit/a.c', function(90), 2, 'a function of 90 lines')
        self.fault('src/json/b.cpp', 'extern "C" {\n' + function(71) + '}\n', 3, 'a function of 71 lines')

    def test_long_table_is_no_function(self):
        self.clean('src/core/a.c', 'static const int table[] = {\n' + '    1,\n' * 200 + '};\n')

    def test_file_length(self):
        self.clean('src/core/a.c', 'int f(void);\n' * 1000)
        self.fault('src/core/a.c', 'int f(void);\n' * 1001, 1000, 'a file of 1001 lines')

    def test_unsafe(self):
        for name in ('strcpy', 'strcat', 'sprintf', 'vsprintf', 'strtok', 'atoi', 'gets', 'alloca'):
            self.fault('src/core/a.c', f'void f(void)\n{{\n    {name}(x);\n}}\n', 3, name)
            self.fault('tests/unit/a.c', f'void f(void)\n{{\n    {name}(x);\n}}\n', 3, name)

    def test_unsafe_lookalikes(self):
        self.clean('src/core/a.c', 'void f(void)\n{\n    my_strcpy(x); /* strcpy(a) */\n    g("gets(");\n'
                                   '    snprintf(a, 1, "x");\n}\n')

    def test_heap(self):
        body = 'void f(void)\n{\n    free(x);\n}\n'
        self.clean('src/core/mem.c', body)
        self.clean('tests/unit/a.c', body)
        self.fault('src/json/a.c', body, 3, 'free() is banned here')

    def test_system_calls(self):
        for call in ('time(NULL)', 'open(p, 0)', 'read(fd, b, n)', 'socket(1, 2, 3)', 'fork()', 'getenv("A")'):
            body = f'void f(void)\n{{\n    x = {call};\n}}\n'
            self.fault('src/net/a.c', body, 3, 'banned here')
            self.put('src/net/a.c', '')
            self.clean('src/os/a.c', body)

    def test_methods_and_own_functions_are_no_system_calls(self):
        self.clean('src/net/a.c', 'static int send(struct conn *c)\n{\n    return c->write(1) + c->ops.read(2) + '
                                  'uv_read_start(c) + log_open(c);\n}\nint net_go(struct conn *c)\n{\n    return send(c);\n}\n')

    def test_printing(self):
        body = 'void f(void)\n{\n    printf("a");\n}\n'
        self.clean('src/cli/a.c', body)
        self.fault('src/gate/a.c', body, 3, 'never print')

    def test_globals(self):
        for bad in ('static int count;', 'int count = 1;', 'static const char *name = "a";', 'static _Thread_local int x;',
                    'static struct {\n    int a;\n} state;', 'static void (*hook)(int);', 'static char buf[4];'):
            self.fault('src/core/a.c', 'int f(void);\n' + bad + '\n', 2, 'mutable global')
        self.fault('src/core/a.c', 'void f(void)\n{\n    static int n;\n}\n', 3, 'mutable static')

    def test_constants_and_types_are_no_globals(self):
        self.clean('src/core/a.c', 'static const int a = 1;\nstatic const char *const names[] = {"a", "b"};\n'
                                   'struct s;\nstruct s {\n    int a;\n};\nenum e { A, B };\ntypedef int t;\n'
                                   'extern const int c;\nstatic int f(int a, int b);\nvoid e(bool (*visit)(int a), int b);\n'
                                   '_Static_assert(sizeof(int) == 4, "");\n'
                                   'static void (*const table[])(int) = {f};\nint *g(void)\n{\n'
                                   '    static const char k[] = "x";\n    return 0;\n}\n'
                                   'static const struct row {\n    int a;\n} rows[] = {{1}, {2}};\n')

    def test_header(self):
        self.clean('src/core/a.h', HEADER)
        self.clean('src/core/b.h', '#ifndef B_H\n#define B_H\n// What it is for.\n#endif\n')
        self.fault('src/core/c.h', '#pragma once\nint f(void);\n', 1, 'opening comment')
        self.fault('src/core/d.h', '/* What. */\nint f(void);\n', 1, 'include guard')

    def test_text(self):
        self.fault('src/core/a.c', 'int f(void); \n', 1, 'trailing space')
        self.fault('src/core/a.c', '\tint f(void);\n', 1, 'tab')
        self.fault('src/core/a.c', '// ' + 'x' * 108 + '\n', 1, '111 columns')
        self.fault('src/core/a.c', '// ' + '봉' * 54 + '\n', 1, '111 columns')
        self.put('src/core/a.c', '// ' + '봉' * 53 + '\n')
        self.assert_clean()
        self.clean('Makefile', 'a:\n\tb\n')
        self.fault('README.md', 'see /ho' + 'me/me/x\n', 1, "machine's own path")
        self.fault('docs/a.md', 'one\nTO' + 'DO later\n', 2, 'left-over')

    def test_allowed(self):
        self.put('src/core/a.c', 'static int n;\n')
        self.clean('scripts/tidy-allow.txt', '# path rule reason\nsrc/core/a.c global the reason\n')
        self.fault('scripts/tidy-allow.txt', 'src/core/a.c global\n', 1, 'reason is missing')
        self.fault('scripts/tidy-allow.txt', 'src/core/b.c global the reason\n', 1, 'excuses nothing')
