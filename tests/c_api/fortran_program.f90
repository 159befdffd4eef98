! SPDX-FileCopyrightText: 2026 nopal developers
! SPDX-License-Identifier: BSD-3-Clause

! A model on slabs of the ranks, called from Fortran, against what the C++ interface gave on one rank.
program fortran_program
  use, intrinsic :: iso_fortran_env, only: error_unit
  use, intrinsic :: iso_c_binding, only: c_double
  use mpi_f08
  use nopal
  implicit none
  integer, parameter :: n1 = 12, n2 = 10
  real(c_double) :: x(n1, n2, 2), y(n1, n2, 3)
  real(c_double), allocatable :: mine(:, :, :), found(:, :, :)
  type(nopal_model) :: model, none
  type(nopal_trainer) :: trainer
  character(len=512) :: folder
  character(len=:), allocatable :: text, unit
  integer :: rank, ranks, first, last, in, out, step, failures

  call MPI_Init()
  call MPI_Comm_rank(MPI_COMM_WORLD, rank)
  call MPI_Comm_size(MPI_COMM_WORLD, ranks)
  call get_command_argument(1, folder)
  call read_field(trim(folder)//'/x.bin', x)
  call read_field(trim(folder)//'/y.bin', y)
  failures = 0

  call expect(nopal_load(MPI_COMM_WORLD%mpi_val, 'no_such_file', nopal_double, none) == nopal_error_state, &
              'an error before nopal_initialise()')
  call expect(nopal_initialise() == nopal_success, 'nopal_initialise()')
  call expect(nopal_load(MPI_COMM_WORLD%mpi_val, 'no_such_file', nopal_double, none) == nopal_error_model, &
              'an error for a file that is not there')
  call expect(index(nopal_error(), 'no_such_file') > 0, 'a text with the name of the file')
  call expect(nopal_load(MPI_COMM_WORLD%mpi_val, trim(folder)//'/model.safetensors', nopal_double, model) &
              == nopal_success, 'nopal_load()')
  call expect(nopal_channels(model, in, out) == nopal_success .and. in == 2 .and. out == 3, 'channels')
  call expect(nopal_metadata(model, 'operator', text) == nopal_success .and. text == 'fno', 'metadata')
  call expect(len(nopal_version()) >= 5, 'a version')

  ! Slabs of rows, the last rank the first of them.
  first = n1*(ranks - 1 - rank)/ranks + 1
  last = n1*(ranks - rank)/ranks
  call expect(nopal_set_box(model, [n1, n2], [first, 1], [last, n2]) == nopal_success, nopal_error())
  allocate (mine(last - first + 1, n2, 2), found(last - first + 1, n2, 3))
  mine = x(first:last, :, :)
  do step = 1, 3
    found = 0
    call expect(nopal_infer(model, mine, found) == nopal_success, nopal_error())
  end do
  call expect(maxval(abs(found - y(first:last, :, :))) < 1e-12_c_double*maxval(abs(y)), &
              'the output of the C++ interface')
  call expect(nopal_infer(model, mine, x) == nopal_error_argument, 'an error for a wrong size')
  call expect(index(nopal_error(), '2 and 3 channels') > 0, 'a text with both sizes')
  call expect(nopal_destroy(model) == nopal_success, 'nopal_destroy()')
  call expect(nopal_infer(model, mine, found) == nopal_error_argument, 'an error for no model')
  call train
  call ask_at_points
  call expect(nopal_finalise() == nopal_success, 'nopal_finalise()')
  call MPI_Finalize()
  if (failures > 0) error stop 1
  if (rank == 0) print '(a)', 'Fortran: passed'

contains

  ! As make_reference does: samples (k x, k y) for k = 1, ..., 4, two steps, then the output for x.
  subroutine train
    real(c_double) :: expected(n1, n2, 3), loss, error
    real(c_double), allocatable :: wanted(:, :, :)
    integer :: k, samples, steps
    integer, allocatable :: extents(:)
    call read_field(trim(folder)//'/trained.bin', expected)
    call expect(nopal_create(MPI_COMM_WORLD%mpi_val, 'fno', '{"n_modes": [6, 4], "in_channels": 2, '// &
                '"out_channels": 3, "hidden_channels": 5}', nopal_double, model, seed=3) == nopal_success, &
                nopal_error())
    call expect(nopal_set_box(model, [n1, n2], [first, 1], [last, n2]) == nopal_success, nopal_error())
    call expect(nopal_trainer_create(model, '{"batch": 4, "warm_up": 4, "learning_rate": 0.01}', trainer) &
                == nopal_success, nopal_error())
    call expect(nopal_trainer_step(trainer, 1, loss) == nopal_error_state, 'an error without samples')
    allocate (wanted(last - first + 1, n2, 3))
    wanted = y(first:last, :, :)
    do k = 1, 4
      call expect(nopal_trainer_add(trainer, k*mine, k*wanted) == nopal_success, nopal_error())
    end do
    call expect(nopal_trainer_step(trainer, 2, loss) == nopal_success, nopal_error())
    call expect(loss > 0, 'a loss')
    call refuse_other_precision
    call expect(nopal_trainer_counts(trainer, samples, steps) == nopal_success .and. samples == 4 &
                .and. steps == 2, 'the numbers of samples and steps')
    call expect(nopal_trainer_error(trainer, mine, wanted, error) == nopal_success .and. error > 0, &
                'an error of the model')
    call expect(nopal_infer(model, mine, found) == nopal_success, nopal_error())
    call expect(maxval(abs(found - expected(first:last, :, :))) < 1e-9_c_double*maxval(abs(expected)), &
                'the trained model of the C++ interface')
    call expect(nopal_set_metadata(model, 'data.y_channels', 'u v w') == nopal_success, nopal_error())
    call expect(nopal_trainer_set_learning_rate(trainer, 1e-3_c_double) == nopal_success, nopal_error())
    call expect(nopal_trainer_save(trainer, trim(folder)//'/from_fortran.safetensors') == nopal_success, &
                nopal_error())
    call expect(nopal_trainer_restore(trainer, trim(folder)//'/from_fortran.safetensors') &
                == nopal_success, nopal_error())
    call expect(nopal_trainer_destroy(trainer) == nopal_success, nopal_error())
    call expect(nopal_destroy(model) == nopal_success, nopal_error())
    call expect(nopal_load(MPI_COMM_WORLD%mpi_val, trim(folder)//'/from_fortran.safetensors', nopal_double, &
                           model) == nopal_success, nopal_error())
    call expect(nopal_field(model, nopal_output, 2, text, unit) == nopal_success .and. text == 'v' &
                .and. unit == '', 'the name of a field')
    call expect(nopal_grid(model, extents) == nopal_success, nopal_error())
    call expect(all(extents == [n1, n2]), 'the grid of the training')
    call expect(nopal_destroy(model) == nopal_success, nopal_error())
  end subroutine train

  ! Arrays of reals for a model of doubles: neither read nor written.
  subroutine refuse_other_precision
    real(c_float), allocatable :: x(:, :, :), y(:, :, :)
    real(c_double) :: error
    allocate (x(last - first + 1, n2, 2), y(last - first + 1, n2, 3))
    x = 1
    y = 7
    call expect(nopal_infer(model, x, y) == nopal_error_argument .and. all(abs(y - 7) <= 0), 'no arrays of reals')
    text = nopal_error()
    call expect(index(text, 'nopal_double') > 0 .and. index(text, 'real32') > 0, text)
    call expect(nopal_trainer_add(trainer, x, y) == nopal_error_argument, 'no sample of reals')
    call expect(nopal_trainer_error(trainer, x, y, error) == nopal_error_argument, 'no error of reals')
    call expect(nopal_infer_points(model, x(:, 1, 1), x(:, :, 1), y(:, :, 1)) == nopal_error_argument, &
                'no points of reals')
    call expect(index(nopal_error(), 'real32') > 0, nopal_error())
  end subroutine refuse_other_precision

  ! Two functions of 6 and 4 values, and points of two coordinates: rank r has those from r + 1 on.
  subroutine ask_at_points
    real(c_double) :: functions(10), points(2, 7), values(3, 7), answer(3, 7)
    integer :: count, coordinates, sensors
    call read_numbers(trim(folder)//'/points.bin', functions, points, values)
    call expect(nopal_load(MPI_COMM_WORLD%mpi_val, trim(folder)//'/deeponet.safetensors', nopal_double, model) &
                == nopal_success, nopal_error())
    call expect(nopal_functions(model, count, coordinates) == nopal_success .and. count == 2 &
                .and. coordinates == 2, 'two functions, two coordinates')
    call expect(nopal_function_size(model, 2, sensors) == nopal_success .and. sensors == 4, 'four sensors')
    answer = values
    answer(:, rank + 1:) = 0
    call expect(nopal_infer_points(model, functions, points(:, rank + 1:), answer(:, rank + 1:)) &
                == nopal_success, nopal_error())
    call expect(maxval(abs(answer - values)) < 1e-12_c_double*maxval(abs(values)), &
                'the values of the C++ interface at points')
    call expect(nopal_destroy(model) == nopal_success, nopal_error())
  end subroutine ask_at_points

  subroutine read_numbers(path, functions, points, values)
    character(len=*), intent(in) :: path
    real(c_double), intent(out) :: functions(:), points(:, :), values(:, :)
    integer :: unit
    open (newunit=unit, file=path, access='stream', form='unformatted', status='old', action='read')
    read (unit) functions, points, values
    close (unit)
  end subroutine read_numbers

  subroutine read_field(path, field)
    character(len=*), intent(in) :: path
    real(c_double), intent(out) :: field(:, :, :)
    integer :: unit
    open (newunit=unit, file=path, access='stream', form='unformatted', status='old', action='read')
    read (unit) field
    close (unit)
  end subroutine read_field

  subroutine expect(holds, what)
    logical, intent(in) :: holds
    character(len=*), intent(in) :: what
    if (holds) return
    write (error_unit, '(a, i0, 2a)') 'rank ', rank, ': expected ', what
    failures = failures + 1
  end subroutine expect

end program fortran_program
