/* log_policy STORE NODE TEXT: a policy as an earlier version logged it, whatever this one says to it. The
 * node must not run. For tests of what an update finds. */
#include "gate_test.h"

#include "gate/state.h"

int main(int argc, char **argv)
{
    struct gate *gate;
    uint64_t lsn;
    if (argc != 4)
        return 2;
    struct gate_setup setup = {
        .os = os_linux(), .dir = argv[1], .node_name = str_of(argv[2]), .diag = &bench_diag};
    if (gate_open(&setup, &gate) != ERR_OK)
        return 1;
    struct record_policy policy = {NOW, STR("tester"), str_of(argv[3])};
    buf_clear(&gate->record);
    record_policy_write(&gate->record, &policy);
    err_t err = gate_append(gate, FRAME_POLICY, &lsn);
    if (err == ERR_OK)
        err = gate_commit(gate);
    gate_close(gate);
    return err == ERR_OK ? 0 : 1;
}
